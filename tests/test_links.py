"""The check of the documentation's links finds those that lead nowhere, and no others."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent
broken = runpy.run_path(str(ROOT / "scripts/links.py"))["broken"]


def test_a_link_that_leads_nowhere_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/index.html").write_text('<h1 id="here"></h1><a href="#here"></a><a href="../b.html#%C3%BC"></a>')
    (tmp_path / "b.html").write_text(
        '<i id="ü"></i><a href="a/#here"></a><a href="https://x.org/y"></a><img src="/b.html">'
    )
    assert not list(broken(tmp_path))
    (tmp_path / "c.html").write_text('<a href="a/index.html#there"></a><img src="lost.png"><a href="b.html?q=1#ü"></a>')
    assert list(broken(tmp_path)) == ["c.html: a/index.html#there", "c.html: lost.png"]
