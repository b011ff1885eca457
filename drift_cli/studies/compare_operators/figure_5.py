"""The numbers of Figure 5: Sinkhorn against Laplace drift, from the generator's own initialisation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from drift_cli.studies.compare_operators.comparison import Comparison
from drift_cli.studies.compare_operators.plan import Runs
from drift_cli.studies.compare_operators.runs import OperatorRun
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig, OperatorConfig
from drift_cli.studies.numbers import Mean, Measured, Numbers, Ratio, before, finite_mean
from drift_cli.studies.training import first_within

_LAPLACE, _SINKHORN = "laplace", "sinkhorn"


@dataclass(frozen=True)
class OfOperator(Measured):
    """How an operator that never diverged ended, and when SW-2 was first at most twice its floor, over the seeds.

    Of a Sinkhorn drift steps and seconds over the Laplace drift's, paired by seed, where all drifts came there.
    """

    sw: Mean | None
    sw_floor: float | None
    marginal_error: float | None
    iterations: float | None
    sw_over_floor: Mean
    seconds: Mean
    steps_to_2_floors: Mean | None
    seconds_to_2_floors: Mean | None
    steps_to_2_floors_over_laplace: Ratio | None
    seconds_to_2_floors_over_laplace: Ratio | None


@dataclass(frozen=True)
class Figure5(Measured):
    """`fig5.<operator>.…`, and the final SW-2 of each Sinkhorn drift over the Laplace drift's.

    `largest`: over the operators and seeds, and over the Sinkhorn drifts.
    """

    operators: dict[str, OfOperator]
    over_laplace: dict[str, Ratio] = field(metadata=before("_"))
    largest: Numbers


def figure_5(config: CompareOperatorsConfig, found: Comparison, runs: Runs) -> Figure5:
    """The runs from the generator's own initialisation."""
    compared = config.compared()
    every = {label: [runs[OperatorRun("generator", label, "own", seed)] for seed in config.seeds] for label in compared}
    own = {label: each for label, each in every.items() if all(r["diverged"] is None for r in each)}
    reached = {
        name: {label: [_first_within(r, name) for r in each] for label, each in own.items()}
        for name in ("steps", "seconds")
    }
    laplace = [label for label, o in compared.items() if (o.drift.name, o.kernel.name) == ("mean_shift", _LAPLACE)]
    base = laplace[0] if laplace and laplace[0] in own else None
    sinkhorn = [label for label in own if base is not None and compared[label].drift.name == _SINKHORN]
    ends = _over({label: [r["final"] for r in each] for label, each in own.items()}, sinkhorn, base)
    steps, seconds = (
        _over(each, sinkhorn, base) if np.isfinite(list(each.values())).all() else {} for each in reached.values()
    )
    ratios = {label: [r["final"] / r["sw_floor"] for r in each] for label, each in own.items()}
    operators = {}
    for label, each in own.items():
        outcome = found.outcome(label, "own", "generator")
        operators[f"fig5.{label}"] = OfOperator(
            outcome.sw,
            outcome.sw_floor,
            outcome.marginal_error,
            outcome.iterations,
            Mean(ratios[label]),
            Mean([r["seconds"][-1] for r in each]),
            finite_mean(reached["steps"][label]),
            finite_mean(reached["seconds"][label]),
            steps.get(label),
            seconds.get(label),
        )
    worst = [ratio for each in ratios.values() for ratio in each]
    largest: dict[str, float | Ratio | None] = {
        "sw_over_floor": max(worst, default=None),
        "sinkhorn_over_laplace": _largest(ends),
        "steps_to_2_floors_over_laplace": _largest(steps),
        "seconds_to_2_floors_over_laplace": _largest(seconds),
    }
    return Figure5(
        operators,
        {f"fig5.{label}": ratio for label, ratio in ends.items()},
        Numbers({f"fig5.{what}.max": value for what, value in largest.items()}),
    )


def _over(found: Mapping[str, list[float]], labels: list[str], base: str | None) -> dict[str, Ratio]:
    """Of each of `labels` over `base`, paired by seed."""
    return {label: Ratio((np.array(found[label]) / np.array(found[base])).tolist()) for label in labels if base}


def _largest(found: Mapping[str, Ratio]) -> Ratio | None:
    return max(found.values(), key=lambda ratio: ratio.value, default=None)


def _first_within(found: Mapping[str, Any], name: str) -> float:
    """The first tracked step (or second) at which SW-2 is at most twice its mean floor; infinite if none."""
    below = first_within(np.array(found["sw"]), 2 * np.mean(found["floor"]))
    return np.inf if below is None else float(found[name][below])


def names(config: CompareOperatorsConfig) -> dict[str, str]:
    """What Figure 5 calls each operator: the paper's name with its length where that is one operator's alone."""
    found = {label: _name(operator) or label.replace("_", " ") for label, operator in config.compared().items()}
    count = Counter(found.values())
    return {label: name if count[name] == 1 else label.replace("_", " ") for label, name in found.items()}


def _name(operator: OperatorConfig) -> str | None:
    if operator.drift.name == "sinkhorn":
        return f"Sinkhorn ε = {operator.drift.epsilon:g}"
    if (operator.drift.name, operator.kernel.name) == ("mean_shift", _LAPLACE):
        return f"Laplace τ = {operator.kernel.bandwidth:g}"
    return None
