"""Memory that is not there: smaller blocks give the same, and then a line names the setting that counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from drift_cli.memory import in_blocks
from drift_cli.training import loop
from tests.problems.runs import train


class OutOfMemoryError(RuntimeError):
    """As torch's on a GPU, known by its name."""


LACKS = [MemoryError(), OutOfMemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
each_lack = pytest.mark.parametrize("lack", LACKS, ids=["NumPy", "GPU", "CPU"])


def doubled(most: int, lack: Exception, seen: list[int]) -> Callable[[Tensor, Tensor | None], Tensor]:
    """x ↦ 2x, for which there is memory for so many rows."""

    def work(x: Tensor, y: Tensor | None) -> Tensor:
        seen.append(len(x))
        if len(x) > most:
            raise lack
        return 2 * x

    return work


@each_lack
@pytest.mark.parametrize("rows", [1000, 999, 300])
def test_blocks_are_halved_until_there_is_memory(lack: Exception, rows: int) -> None:
    x, seen = torch.arange(1000.0)[:, None], list[int]()
    assert torch.equal(in_blocks(doubled(100, lack, seen), rows, x, None), 2 * x)
    assert seen[0] == rows
    assert max(seen[-3:]) <= 100


def test_where_a_few_rows_are_too_many_and_for_other_failures_nothing_is_tried_again() -> None:
    seen: list[int] = []
    with pytest.raises(MemoryError):
        in_blocks(doubled(3, MemoryError(), seen), 1000, torch.zeros(1000, 1), None)
    assert min(seen) > 30
    seen.clear()
    with pytest.raises(ValueError, match="other"):
        in_blocks(doubled(3, ValueError("other"), seen), 1000, torch.zeros(1000, 1), None)
    assert seen == [1000]


@each_lack
@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("distance_alone", "evaluation.points=100: lower it"),
        ("steps", "batch_size=64: lower it, or the size"),
    ],
)
def test_the_setting_that_counts_is_named(
    where: str, told: str, lack: Exception, tmp_path: Path, monkeypatch, capfd
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise lack

    if where == "steps":
        monkeypatch.setattr(loop.steps, "build", lambda setup: fail)
    else:
        monkeypatch.setattr(loop, where, fail)
    assert train(tmp_path / "run") == 2
    shown = capfd.readouterr().err
    assert f"There is not enough memory for {told}" in shown
    assert shown.count("\n") == 1
