"""What the runs of `drift compare-operators` say of each operator: step size, distance, modes, cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from drift_cli.studies.compare_operators import plan
from drift_cli.studies.compare_operators.plan import Runs
from drift_cli.studies.compare_operators.runs import Case
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig
from drift_cli.studies.study import Study

_SINKHORN = "sinkhorn"
_FAMILIES = {_SINKHORN: "sinkhorn", "from_discrepancy": "discrepancies"}  # of drifts, by their name


def step_sizes(config: CompareOperatorsConfig, s: Study, tried: Runs) -> dict[str, float]:
    """The step size of each operator that diverged from the fewest starts, and of those the one with the least SW-2."""
    if "particles" not in config.forms:
        return {}
    chosen, rows = {}, []
    for label in config.compared():
        scores = {eta: _score(tried[Case("eta", label, "all", config.eta_seed, eta)]["ratios"]) for eta in config.etas}
        chosen[label] = min(sorted(scores), key=scores.__getitem__)
        s.summary |= {
            f"{label}.eta": chosen[label],
            f"{label}.eta_at_edge": float(len(scores) > 1 and chosen[label] in (min(scores), max(scores))),
        }
        rows += [(label, eta, *score) for eta, score in scores.items()]
    s.rows("etas", ("operator", "eta", "diverged", "sw_over_floor"), rows)
    return chosen


def _score(ratios: Mapping[str, float | None]) -> tuple[int, float]:
    """How many starts diverged, and SW-2 over its floor of the others, their geometric mean: the least is the best."""
    finite = [ratio for ratio in ratios.values() if ratio is not None]
    return len(ratios) - len(finite), float(np.exp(np.mean(np.log(finite)))) if finite else np.inf


def summarise(config: CompareOperatorsConfig, s: Study, prepared: Runs, runs: Runs) -> None:
    """`<operator>.<start>.<form>.<what>`; `start.<start>.generator.<what>`: how near a generator is to its start."""
    for label in config.compared():
        for what in ("curl", "at_equality"):
            found = [prepared[plan.field_of(label, seed)][what] for seed in config.seeds]
            s.finite_mean(f"{label}.{what}", [np.nan if value is None else value for value in found])
    _extremes(config, s)
    _of_the_template(config, s, prepared)
    for start in config.starts:
        own = [prepared[plan.start_of(start, seed)] for seed in config.seeds if plan.start_of(start, seed) in prepared]
        if own:
            s.mean(f"start.{start}.generator.sw", [r["sw"] for r in own])
            s.mean(f"start.{start}.generator.sw_floor", [r["sw_floor"] for r in own])
    for case in plan.cases(config):
        if case.seed != config.seeds[0]:
            continue
        key, own = f"{case.operator}.{case.start}.{case.form}", _over_seeds(config, runs, case)
        s.summary[f"{key}.diverged"] = float(np.mean([r["diverged"] is not None for r in own]))
        s.summary[f"{key}.sw_start"] = float(np.mean([r["sw"][0] for r in own]))
        if s.summary[f"{key}.diverged"]:
            continue
        s.mean(f"{key}.sw", [r["final"] for r in own])
        s.summary[f"{key}.sw_floor"] = float(np.mean([r["sw_floor"] for r in own]))
        if "mode_error" in own[0]:
            s.mean(f"{key}.mode_error", [r["mode_error"] for r in own])
            s.summary[f"{key}.mode_error_floor"] = float(np.mean([r["mode_error_floor"] for r in own]))
        if max(r["marginal_error"][-1] for r in own) > 0:
            s.summary[f"{key}.marginal_error"] = max(max(r["marginal_error"]) for r in own)
            s.summary[f"{key}.iterations"] = float(np.mean([_mean_iterations(r) for r in own]))
    for form in config.forms:
        for label in config.compared():
            keys = [f"{label}.{start}.{form}" for start in config.starts]
            if all(f"{key}.sw" in s.summary for key in keys):
                ratios = [s.summary[f"{key}.sw"] / s.summary[f"{key}.sw_floor"] for key in keys]
                s.summary[f"{label}.{form}.sw_over_floor"] = float(np.exp(np.mean(np.log(ratios))))
    _warn(config, s)


def _extremes(config: CompareOperatorsConfig, s: Study) -> None:
    """The worst of the Sinkhorn drifts, which decides the claims about them."""
    for what in ("curl", "at_equality"):
        found = [
            s.summary[f"{label}.{what}"]
            for label, operator in config.compared().items()
            if operator.drift.name == _SINKHORN and f"{label}.{what}" in s.summary
        ]
        if found:
            s.summary[f"sinkhorn.{what}.max"] = max(found)


def _of_the_template(config: CompareOperatorsConfig, s: Study, prepared: Runs) -> None:
    """`<operator>.<what>.min` and `.max` over the seeds; `sinkhorn.…` and `discrepancies.…` over their drifts too."""
    found: dict[str, list[float]] = {}
    for label, operator in config.compared().items():
        family = _FAMILIES.get(operator.drift.name)
        for kept in (prepared.get(plan.template_of(label, seed), {}) for seed in config.seeds):
            for what in kept.keys() - {"asked"}:
                for whose in {label, family} - {None}:
                    found.setdefault(f"{whose}.{what}", []).append(kept[what])
    for key, values in sorted(found.items()):
        s.summary |= {f"{key}.min": min(values), f"{key}.max": max(values)}


def _over_seeds(config: CompareOperatorsConfig, runs: Runs, case: Case) -> list[dict[str, Any]]:
    return [runs[Case(case.form, case.operator, case.start, seed)] for seed in config.seeds]


def _mean_iterations(found: Mapping[str, Any]) -> float:
    """Over the steps of a run: each report is the mean since the one before."""
    lengths = np.diff(found["steps"])
    return float((lengths * found["iterations"][1:]).sum() / lengths.sum())


def _warn(config: CompareOperatorsConfig, s: Study) -> None:
    """The operators whose iterations ended at their cap somewhere, in one line each."""
    for label, operator in config.compared().items():
        errors = [
            s.summary.get(f"{label}.{start}.{form}.marginal_error", 0.0)
            for start in config.starts
            for form in config.forms
        ]
        tol = getattr(operator.drift, "tol", None)
        if tol is not None and max(errors) >= tol:
            told = f"{label} stopped at its cap on iterations in some step, its marginal error up to {max(errors):.2g}"
            remedy = f"above its tol of {tol:g}: raise options.max_iter or options.epsilon"
            s.console.print(f"warning: {told}, {remedy}", style="yellow", highlight=False, soft_wrap=True)


def curves(config: CompareOperatorsConfig, s: Study, runs: Runs) -> None:
    """SW-2 along every run, one file a form."""
    names = ("steps", "seconds", "sw", "floor", "marginal_error", "iterations")
    for form in config.forms:
        rows = [
            (case.operator, case.start, case.seed, *row)
            for case, found in runs.items()
            if case.form == form
            for row in zip(*(found[name] for name in names), strict=True)
        ]
        s.rows(form, ("operator", "start", "seed", *names), rows)
