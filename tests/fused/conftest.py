"""What the tests of the loops share."""

from __future__ import annotations

import pytest

from drift_cli.fused import native


@pytest.fixture(params=["AVX-512", "AVX2", "baseline"])
def instruction_set(request: pytest.FixtureRequest):
    library = native.library()
    assert library is not None
    before = native.instruction_set()
    if not library.drift_use(request.param.encode()):
        pytest.skip(f"this machine has no {request.param}")
    yield request.param
    assert before is not None
    library.drift_use(before.encode())
