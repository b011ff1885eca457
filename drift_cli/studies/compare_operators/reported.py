r"""What a public digest reports of Figure 5, at each setting that it leaves open.

The final distance under the Sinkhorn drift and under the exponential kernel's, and their ratio. Left open: ε, the unit
of the checkerboard, and whether SW is SW-2 or its square. The floors are given with them, for SW-1 too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from drift_cli.data import target_of
from drift_cli.metrics.sliced_wasserstein import sliced_1
from drift_cli.studies.compare_operators.plan import Runs
from drift_cli.studies.compare_operators.runs import OperatorRun
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig, OperatorConfig
from drift_cli.studies.numbers import Measured, NextRun
from drift_cli.studies.units import units
from drift_cli.training.streams import stream


@dataclass(frozen=True)
class Figure5(Measured):
    """`reported.fig5.<drift>.…`: final distances in every unit, ratios paired by seed, and floors."""

    reported: dict[str, NextRun | float]


def figure_5(config: CompareOperatorsConfig, runs: Runs) -> Figure5:
    """What is reported, at every setting that is open."""
    target = target_of(config.dataset.made())
    pairs = [target.sample(2 * config.points, stream(config.seeds[0], "floor", n), torch.float64).points.split(
        config.points) for n in range(config.draws)]  # fmt: skip
    of_units = units(pairs[0][0])
    finals, floors = _finals(config, runs)
    kernel = [label for label in finals if _name(config.compared()[label]) == "laplace"]
    found: dict[str, NextRun | float] = {}
    for label, values in finals.items():
        name = _name(config.compared()[label])
        for unit, length in of_units.items():
            found[f"fig5.{name}.{unit}.sw2"] = NextRun([length * value for value in values])
            found[f"fig5.{name}.{unit}.sw2_squared"] = NextRun([(length * value) ** 2 for value in values])
        if kernel and label != kernel[0]:
            ratios = np.array(values) / np.array(finals[kernel[0]])
            found[f"fig5.ratio.{name}.sw2"] = NextRun(ratios.tolist())
            found[f"fig5.ratio.{name}.sw2_squared"] = NextRun((ratios**2).tolist())
    if floors:
        first = float(np.mean([sliced_1(a, b) for a, b in pairs]))
        for unit, length in of_units.items():
            found |= {
                f"fig5.floor.{unit}.sw1": length * first,
                f"fig5.floor.{unit}.sw2": length * float(np.mean(floors)),
                f"fig5.floor.{unit}.sw2_squared": length**2 * float(np.mean(np.square(floors))),
            }
    return Figure5(found)


def _finals(config: CompareOperatorsConfig, runs: Runs) -> tuple[dict[str, list[float]], list[float]]:
    """The final SW-2 over the seeds of the operators that have a name here and no run that diverged; the floors."""
    finals: dict[str, list[float]] = {}
    floors: list[float] = []
    for label, operator in config.compared().items():
        own = [runs[OperatorRun("generator", label, "own", seed)] for seed in config.seeds]
        if _name(operator) and all(run["diverged"] is None for run in own):
            finals[label] = [run["final"] for run in own]
            floors += [run["sw_floor"] for run in own]
    return finals, floors


def _name(operator: OperatorConfig) -> str:
    """What the digest compares: "laplace", or "sinkhorn_<ε>"; empty for other drifts."""
    if operator.drift.name == "sinkhorn":
        return f"sinkhorn_{operator.drift.epsilon:g}"
    return "laplace" if (operator.drift.name, operator.kernel.name) == ("mean_shift", "laplace") else ""
