"""Auxiliary networks: the same bits for the same seed, learned once for the same content."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from drift_cli.errors import UserError
from drift_cli.learned import Shelf, content_hash, fit

POINTS = torch.randn(300, 3, generator=torch.Generator().manual_seed(0))


def line(seed: int) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(3, 1)


def learn(network: nn.Module) -> dict[str, float]:
    def loss(rows: Tensor, generator: torch.Generator) -> Tensor:
        x = POINTS[rows]
        noise = 0.01 * torch.randn(len(x), 1, generator=generator)
        return (network(x) - x.sum(dim=1, keepdim=True) - noise).square().mean()

    fit(network, loss, len(POINTS), 7, epochs=60, batch_size=50, rate=0.1)
    return {"error": float((network(POINTS) - POINTS.sum(dim=1, keepdim=True)).square().mean())}


def test_it_finds_the_sum_and_repeats_itself() -> None:
    first, second = line(0), line(0)
    assert learn(first)["error"] < 1e-3  # noise of 0.01 leaves 1e-4 / steps
    learn(second)
    assert torch.equal(first.weight, second.weight)
    assert not first.training
    assert not first.weight.requires_grad


def test_the_same_content_is_learned_once(tmp_path: Path) -> None:
    calls = []

    def counted(network: nn.Module) -> dict[str, float]:
        calls.append(1)
        return learn(network)

    key = content_hash(POINTS, "line")
    one, other, alone = line(0), line(1), line(2)
    told = Shelf(tmp_path / "a", tmp_path / "common").learned("line", key, one, counted)
    again = Shelf(tmp_path / "b", tmp_path / "common").learned("line", key, other, counted)
    assert told == again
    assert torch.equal(one.weight, other.weight)
    assert Shelf(tmp_path / "b").learned("line", key, alone, counted) == told  # the run's own folder is enough
    assert len(calls) == 1


def test_the_content_decides() -> None:
    assert content_hash(POINTS) == content_hash(POINTS.clone())
    assert content_hash(POINTS) != content_hash(POINTS + 1e-6)
    assert content_hash(POINTS) != content_hash(POINTS.double())
    assert content_hash(POINTS, 1) != content_hash(POINTS, 2)


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "line-x.safetensors").write_bytes(b"no")
    with pytest.raises(UserError, match=r"line-x\.safetensors cannot be read .* remove it"):
        Shelf(tmp_path).learned("line", "x", line(0), learn)
