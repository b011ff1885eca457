"""What the tests of the loops share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from drift_cli.fused import native

SETS = ("AVX-512", "AVX2", "baseline")


@pytest.fixture
def instruction_sets() -> Iterator[Callable[[], Iterator[str]]]:
    """`for name in instruction_sets():` goes through those that this machine has, each in use meanwhile."""
    library, before = native.library(), native.instruction_set()
    assert library is not None
    assert before is not None
    yield lambda: (name for name in SETS if library.drift_use(name.encode()))
    library.drift_use(before.encode())


@pytest.fixture(params=SETS)
def instruction_set(request: pytest.FixtureRequest):
    library = native.library()
    assert library is not None
    before = native.instruction_set()
    if not library.drift_use(request.param.encode()):
        pytest.skip(f"this machine has no {request.param}")
    yield request.param
    assert before is not None
    library.drift_use(before.encode())
