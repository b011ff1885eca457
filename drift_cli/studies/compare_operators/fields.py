"""Properties of an operator's field itself: its curl, whether it vanishes at q = p, and the cost of a call."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from drift_cli.abilities import abilities
from drift_cli.config.objects import Settings
from drift_cli.data import target_of
from drift_cli.drift import Random
from drift_cli.studies.compare_operators.runs import generator_run, start_distribution
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig, OperatorConfig
from drift_cli.studies.numbers import Numbers
from drift_cli.studies.training import plain
from drift_cli.theory.curl import curl_fraction, differentiable, jacobians
from drift_cli.training import step as steps
from drift_cli.training.setup import Setup, assemble
from drift_cli.training.streams import stream

_STEP = 1e-4  # of the central differences, in float64: below every length here, above what an iteration leaves
_TOL, _MAX_ITER = 1e-10, 20_000  # what is found by iterating, found to the end before it is differentiated


@dataclass(frozen=True)
class Field:
    """V of n samples of the standard start, in float64, with its curl at `probes` places."""

    operator: OperatorConfig
    dataset: Settings
    n: int
    probes: int
    seed: int

    def asked(self) -> dict[str, Any]:
        return {"operator": plain(self.operator), "dataset": plain(self.dataset), "n": self.n, "probes": self.probes,
                "seed": self.seed}  # fmt: skip

    def made(self, unfinished: Path) -> dict[str, float | None]:
        """The curl fraction (None where V has no derivative), and mean |V| at q = p over that at the start.

        The curl is at other samples of q than those that V is made of, which stay; a discrepancy has its drift at its
        own samples alone, each of which is moved. At q = p the samples are the same set. What is random is held.
        """
        torch.set_num_threads(1)
        kernel, used = self.operator.kernel.made(), to_the_end(self.operator.drift).made()
        begins = start_distribution("standard", self.dataset)
        assert begins is not None
        q = target_of(begins.made()).sample(2 * self.n, stream(self.seed, "initial", 1), torch.float64).points
        x, others = q.split(self.n)
        y = target_of(self.dataset.made()).sample(self.n, stream(self.seed, "data", 0), torch.float64).points

        def of(points: Tensor, model: Tensor, *, paired: bool) -> Tensor:
            field = used.drawing_from(stream(self.seed, "drift", 0)) if isinstance(used, Random) else used
            return field(kernel, points, y, model, paired=paired)

        if abilities(used).at_samples_alone:
            curl = self._curl(lambda points: of(points, points, paired=True), x)
        else:
            curl = self._curl(lambda points: of(points, x, paired=False), others)
        at_equality = mean_norm(of(y, y, paired=True)) / mean_norm(of(x, x, paired=True))
        return {"curl": curl, "at_equality": at_equality}

    def _curl(self, field: Callable[[Tensor], Tensor], x: Tensor) -> float | None:
        few = x[: self.probes]
        if _of_each_place_alone(field, x, few):
            found = [jacobians(field, few, step) for step in (_STEP, _STEP / 2)]
        else:
            found = [jacobians(field, x, step, list(range(len(few)))) for step in (_STEP, _STEP / 2)]
        return curl_fraction(found[0]) if differentiable(*found) else None


def _of_each_place_alone(field: Callable[[Tensor], Tensor], x: Tensor, few: Tensor) -> bool:
    """Whether V at a place does not change with the other places asked for."""
    try:
        alone = field(few)
    except ValueError:  # known at the samples themselves only
        return False
    together = field(x)[: len(few)]
    return bool((alone - together).abs().max() <= 1e-9 * together.abs().max())


def to_the_end(settings: Settings, tol: float = _TOL) -> Settings:
    """The same drift, with its iterations carried on until they change nothing."""
    known = {field.name for field in fields(settings)}
    exact: dict[str, Any] = {"tol": tol, "max_iter": _MAX_ITER}
    return replace(settings, **{key: value for key, value in exact.items() if key in known})


def mean_norm(vectors: Tensor) -> float:
    return float(vectors.norm(dim=1).mean())


def milliseconds(config: CompareOperatorsConfig) -> Numbers:
    """Of one core: the median of a drift and of a whole training step of the generator, in turns of the operators.

    They are `<operator>.ms_per_drift` and `<operator>.ms_per_step`.
    """
    torch.set_num_threads(1)
    calls: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {}
    for label, operator in config.compared().items():
        setup = assemble(generator_run(config, operator, config.seeds[0], None).settings)
        calls[label] = (_one_drift(config, setup), _one_step(setup))
    taken: dict[str, list[tuple[float, float]]] = {label: [] for label in calls}
    for turn in range(config.rounds + 1):
        for label, (one_drift, one_step) in calls.items():
            times = (_seconds(one_drift), _seconds(one_step))
            if turn:  # the first one warms up
                taken[label].append(times)
    return Numbers(
        {
            f"{label}.{what}": float(median)
            for label, times in taken.items()
            for what, median in zip(("ms_per_drift", "ms_per_step"), 1e3 * np.median(times, axis=0), strict=True)
        }
    )


def _one_drift(config: CompareOperatorsConfig, setup: Setup) -> Callable[[], Tensor]:
    begins = start_distribution("standard", config.dataset)
    assert begins is not None
    x = target_of(begins.made()).sample(config.batch_size, setup.stream("initial", 1), setup.dtype).points
    field = setup.field(setup.kernel, None, setup.data(config.batch_size, "data", 0))
    return lambda: field(x, x)


def _one_step(setup: Setup) -> Callable[[], object]:
    advance = steps.build(setup)
    return lambda: advance(0)


def _seconds(call: Callable[[], object]) -> float:
    """Of this process rather than of the clock: what others do on the machine is not counted."""
    began = time.process_time()
    call()
    return time.process_time() - began
