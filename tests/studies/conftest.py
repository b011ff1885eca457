"""What the tests of several studies share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drift_cli.training import bandwidth


@pytest.fixture(scope="module")
def few_for_the_bandwidth() -> Iterator[None]:
    """Points on which a run finds its bandwidth: more than half of a small study's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bandwidth, "_QUERIES", 64)
        patch.setattr(bandwidth, "_POINTS", 256)
        yield
