from __future__ import annotations

import threading

import pytest
import torch

from drift_cli.commands.bench import memory


@pytest.mark.skipif(torch.cuda.is_available(), reason="measures the CPU's memory")
def test_peak_sees_an_array_that_is_gone_at_the_end() -> None:
    """200 MB, within a third: the allocator may have some of it at hand."""
    found = memory.peak(lambda: float(torch.ones(25_000_000, dtype=torch.float64).sum()))
    assert 130 < found.mb < 270
    assert found.returned == 25e6
    assert memory.peak(lambda: None).mb < 20  # control: nothing is taken


def test_peak_leaves_no_watcher_behind_when_the_function_fails() -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        memory.peak(lambda: 1 / 0)
    assert threading.active_count() == before
