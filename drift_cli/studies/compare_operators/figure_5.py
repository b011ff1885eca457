"""The numbers of Figure 5: the Sinkhorn drift beside the Laplace drift, from the generator's own initialisation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from drift_cli.studies.compare_operators.plan import Runs
from drift_cli.studies.compare_operators.runs import Case
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig, OperatorConfig
from drift_cli.studies.study import Study

_LAPLACE, _SINKHORN = "laplace", "sinkhorn"


def measure(config: CompareOperatorsConfig, s: Study, runs: Runs) -> None:
    """`fig5.<operator>.…`: the Sinkhorn drift beside the Laplace drift, from the generator's own initialisation."""
    compared = config.compared()
    worst = []
    finals: dict[str, list[float]] = {}
    reached: dict[str, dict[str, list[float]]] = {"steps": {}, "seconds": {}}
    for label in compared:
        own = [runs[Case("generator", label, "own", seed)] for seed in config.seeds]
        if any(r["diverged"] is not None for r in own):
            continue
        finals[label] = [r["final"] for r in own]
        key, base = f"fig5.{label}", f"{label}.own.generator"
        for name in ("sw", "sw.sd", "sw_floor", "marginal_error", "iterations"):
            if f"{base}.{name}" in s.summary:
                s.summary[f"{key}.{name}"] = s.summary[f"{base}.{name}"]
        ratios = [r["final"] / r["sw_floor"] for r in own]
        s.mean(f"{key}.sw_over_floor", ratios)
        s.mean(f"{key}.seconds", [r["seconds"][-1] for r in own])
        worst += ratios
        for name, each in reached.items():
            each[label] = [_first_within(r, name) for r in own]
            s.finite_mean(f"{key}.{name}_to_2_floors", each[label])
    if worst:
        s.summary["fig5.sw_over_floor.max"] = max(worst)
    laplace = [label for label, o in compared.items() if (o.drift.name, o.kernel.name) == ("mean_shift", _LAPLACE)]
    if laplace and laplace[0] in finals:
        _over_laplace(s, config, finals, laplace[0], "_over_laplace", "sinkhorn_over_laplace")
        for name, each in reached.items():
            if np.isfinite(list(each.values())).all():
                what = f"{name}_to_2_floors_over_laplace"
                _over_laplace(s, config, each, laplace[0], f".{what}", what)


def _over_laplace(
    s: Study, config: CompareOperatorsConfig, found: Mapping[str, list[float]], laplace: str, ending: str, key: str
) -> None:
    """What each Sinkhorn drift has over the Laplace drift's, paired by seed; and the largest with its interval."""
    compared = config.compared()
    keys = []
    for label in found:
        if compared[label].drift.name == _SINKHORN:
            keys.append(f"fig5.{label}{ending}")
            s.ratio(keys[-1], (np.array(found[label]) / np.array(found[laplace])).tolist())
    if keys:
        largest = max(keys, key=s.summary.__getitem__)
        for end in ("", ".ci_low", ".ci_high"):
            if largest + end in s.summary:
                s.summary[f"fig5.{key}.max{end}"] = s.summary[largest + end]


def _first_within(found: Mapping[str, Any], name: str) -> float:
    """The first tracked step (or second) at which SW-2 is at most twice its mean floor; infinite if none."""
    below = np.flatnonzero(np.array(found["sw"]) <= 2 * np.mean(found["floor"]))
    return float(found[name][below[0]]) if len(below) else np.inf


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
