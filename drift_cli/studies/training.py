"""A training run as the studies make it: the settings that they share, and the steps at which they look at it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import numpy as np

from drift_cli.config.checked import Checked
from drift_cli.config.objects import Settings, chosen
from drift_cli.training import step
from drift_cli.training.settings import CheckpointConfig, EmaConfig, EvaluationConfig, TrainConfig
from drift_cli.training.setup import Setup


def settings(
    *,
    dataset: Settings,
    kernel: Settings,
    drift: Settings,
    generator: Settings,
    optimizer: Settings,
    batch_size: int,
    steps: int,
    seed: int,
    evaluation: EvaluationConfig | None = None,
    **others: Any,
) -> TrainConfig:
    """Those of one run; `others` are the settings in which a study departs from the rest.

    Without `evaluation` the study evaluates the trained run by itself, and nothing is measured on the way.
    A run takes one thread, which gives the same bits however many go on at a time, and the weights as they are
    trained: an average would hide what the loss does, and hold a start back.
    """
    shared: dict[str, Any] = {
        "schedule": chosen("schedule", "constant"),
        "ema": EmaConfig(decay=0.0),
        "checkpoint": CheckpointConfig(every=0, keep=1),
        "device": "cpu",
        "dtype": "float32",
        "threads": 1,
        "gradient_paths": "none",
        "animate": False,
    }
    return TrainConfig(
        dataset=dataset, kernel=kernel, drift=drift, generator=generator, optimizer=optimizer,
        evaluation=evaluation or EvaluationConfig(every=steps, points=1, projections=1, draws=1),
        batch_size=batch_size, steps=steps, seed=seed, **(shared | others),
    )  # fmt: skip


def train(setup: Setup) -> float:
    """Take every step of the run; the seconds of a core that they took."""
    advance, began = step.build(setup), time.process_time()
    for number in range(setup.config.steps):
        advance(number)
    return time.process_time() - began


def plain(settings: Any) -> Any:
    """Settings as plain numbers, lists and texts, as a kept result writes them down; None of none."""
    return None if settings is None else _without_later(settings, _written(settings))


def _written(value: Any) -> Any:
    """As OmegaConf writes a structured config, which takes thirty times as long: a study asks it of every run."""
    if is_dataclass(value):
        return {each.name: _written(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {key: _written(each) for key, each in value.items()}
    return [_written(each) for each in value] if isinstance(value, list | tuple) else value


def _without_later(settings: Any, written: Any) -> Any:
    """What was kept before there was a setting is found again, where that has its default."""
    unset = {
        each.name: each.default if each.default_factory is MISSING else each.default_factory()
        for each in fields(settings)
        if each.metadata.get("before")
    }
    return {
        key: _without_later(getattr(settings, key), value) if isinstance(getattr(settings, key), Checked) else value
        for key, value in written.items()
        if not (key in unset and getattr(settings, key) == unset[key])
    }


def marks(steps: int, count: int) -> set[int]:
    """At most `count` steps from the first to the last, evenly on a logarithmic scale."""
    return set(np.unique(np.round(np.geomspace(1, steps, count)).astype(int)).tolist())


def first_within(values: np.ndarray, bound: np.ndarray | float) -> int | None:
    """The index of the first of the values [n] that is at most `bound`, one for all or [n]; None where none is."""
    reached = np.flatnonzero(values <= bound)
    return int(reached[0]) if len(reached) else None
