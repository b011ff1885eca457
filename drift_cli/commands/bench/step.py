"""Whole training steps: ours as `drift train` runs it, and the official toy's, with the same network and batch."""

from __future__ import annotations

from collections.abc import Callable

import torch

from drift_cli.commands.bench.contestants import official
from drift_cli.training import step as training
from drift_cli.training.settings import TrainConfig
from drift_cli.training.setup import assemble


def steps(config: TrainConfig) -> dict[str, Callable[[], object]]:
    """One step of each, as functions that go on training every time they are called."""
    return {"ours": _ours(config), "official": _official(config)}


def _ours(config: TrainConfig) -> Callable[[], object]:
    advance, done = training.build(assemble(config)), 0

    def step() -> None:
        nonlocal done
        advance(done % config.steps)
        done += 1

    return step


def _official(config: TrainConfig) -> Callable[[], object]:
    """The toy notebook's step: its operator, `mse_loss` against the drifted samples, plain Adam."""
    setup, done = assemble(config), 0
    optimizer = torch.optim.Adam(setup.model.parameters(), config.optimizer.lr)

    def step() -> None:
        nonlocal done
        data = setup.data(config.batch_size, "data", done).points
        x = setup.model.sample(config.batch_size, setup.stream("noise", done))
        with torch.no_grad():
            target = x + official(x, data, setup.kernel.bandwidth)
        loss = torch.nn.functional.mse_loss(x, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        done += 1

    return step
