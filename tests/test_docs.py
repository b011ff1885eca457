"""The worked examples of the documentation run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
EXAMPLES = [
    (page.name, example)
    for page in sorted(DOCS.glob("*.md"))
    for example in re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
]


def test_there_is_an_example() -> None:
    assert "adding.md" in dict(EXAMPLES)


@pytest.mark.parametrize(("page", "example"), EXAMPLES, ids=[page for page, _ in EXAMPLES])
def test_an_example_of_the_docs_runs(page: str, example: str) -> None:
    exec(compile(example, page, "exec"), {"__name__": "example"})
