from __future__ import annotations

import pytest

from drift_cli.commands.bench.load import Load


@pytest.mark.parametrize(("share", "average"), [(0.6, 1.0), (1.0, 3.1), (0.6, None)])
def test_a_busy_machine_is_told_in_one_line(share: float, average: float | None) -> None:
    warning = Load(share, average, cores=2).warning()
    assert warning is not None
    assert warning.startswith("busy machine")
    assert "\n" not in warning
    assert f"{share:.0%}" in warning
    assert average is None or f"load average {average} on 2 cores" in warning


@pytest.mark.parametrize(("share", "average"), [(0.95, 2.2), (1.0, None), (1.0, 0.0)])
def test_a_quiet_machine_is_not_warned_of(share: float, average: float | None) -> None:
    """A load average of 2.2 is the bench's own two threads."""
    assert Load(share, average, cores=2).warning() is None
