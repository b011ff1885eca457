"""Results of the runs for each operator: step size, distance, modes, cost of the iterations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from drift_cli.studies.compare_operators import plan
from drift_cli.studies.compare_operators.plan import Runs
from drift_cli.studies.compare_operators.runs import OperatorRun
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig
from drift_cli.studies.numbers import Mean, Measured, Numbers, Table, before, columns, finite_mean

_SINKHORN = "sinkhorn"
_FAMILIES = {_SINKHORN: "sinkhorn", "from_discrepancy": "discrepancies"}  # of drifts, by their name


@dataclass(frozen=True)
class StepSize(Measured):
    """The step size chosen for an operator's particles, and whether it is the least or largest that was tried."""

    eta: float
    eta_at_edge: float


@dataclass(frozen=True)
class StepSizes(Measured):
    """Of every operator; `rows` are what each trial came to."""

    operators: dict[str, StepSize]
    rows: list[tuple[str, float, int, float]]

    @property
    def of(self) -> dict[str, float]:
        return {label: each.eta for label, each in self.operators.items()}

    def tables(self) -> dict[str, Table]:
        return {"etas": columns(("operator", "eta", "diverged", "sw_over_floor"), self.rows)} if self.rows else {}


def step_sizes(config: CompareOperatorsConfig, tried: Runs) -> StepSizes:
    """The step size of each operator that diverged from the fewest starts, and of those the one with the least SW-2."""
    found, rows = {}, []
    for label in config.compared() if "particles" in config.forms else ():
        scores = {
            eta: _score(tried[OperatorRun("eta", label, "all", config.eta_seed, eta)]["ratios"]) for eta in config.etas
        }
        eta = min(sorted(scores), key=scores.__getitem__)
        found[label] = StepSize(eta, float(len(scores) > 1 and eta in (min(scores), max(scores))))
        rows += [(label, eta, *score) for eta, score in scores.items()]
    return StepSizes(found, rows)


def _score(ratios: Mapping[str, float | None]) -> tuple[int, float]:
    """How many starts diverged, and SW-2 over its floor of the others, their geometric mean: the least is the best."""
    finite = [ratio for ratio in ratios.values() if ratio is not None]
    return len(ratios) - len(finite), float(np.exp(np.mean(np.log(finite)))) if finite else np.inf


@dataclass(frozen=True)
class OfField(Measured):
    """Of an operator's field: its curl fraction, and mean |V| at q = p over that at the start."""

    curl: Mean | None
    at_equality: Mean | None


@dataclass(frozen=True)
class Outcome(Measured):
    """Where an operator took one form from one start: the share of seeds that diverged, and if none did the end.

    `marginal_error` is the largest of the run, `iterations` their mean over the steps, where there were any.
    """

    diverged: float
    sw_start: float
    sw: Mean | None = None
    sw_floor: float | None = None
    mode_error: Mean | None = None
    mode_error_floor: float | None = None
    marginal_error: float | None = None
    iterations: float | None = None

    @property
    def sw_over_floor(self) -> float | None:
        return None if self.sw is None or self.sw_floor is None else self.sw.value / self.sw_floor


@dataclass(frozen=True)
class Comparison(Measured):
    """Every operator: its field, the checks of its template, and its outcome by `<operator>.<start>.<form>`.

    `sinkhorn`: the largest of the Sinkhorn drifts' fields, which decides the claims about them. `starts`: how near a
    generator is to the start that it was trained onto, and the floor of that.
    `sw_over_floor`: of an operator in one form, the geometric mean over starts of SW-2 over its floor.
    """

    fields: dict[str, OfField]
    sinkhorn: Numbers
    template: dict[str, Numbers]
    starts: Numbers
    outcomes: dict[str, Outcome]
    sw_over_floor: dict[str, float] = field(metadata=before("."))

    def outcome(self, operator: str, start: str, form: str) -> Outcome:
        return self.outcomes[f"{operator}.{start}.{form}"]


@dataclass(frozen=True)
class Courses(Measured):
    """SW-2 along every run, a table for each form."""

    rows: dict[str, list[tuple]]

    def tables(self) -> dict[str, Table]:
        return {form: columns(("operator", "start", "seed", *_COURSE), rows) for form, rows in self.rows.items()}


_COURSE = ("steps", "seconds", "sw", "floor", "marginal_error", "iterations")


def comparison(config: CompareOperatorsConfig, prepared: Runs, runs: Runs) -> Comparison:
    """What was prepared and what the runs came to."""
    fields = {label: _of_field(config, prepared, label) for label in config.compared()}
    first = [case for case in plan.cases(config) if case.seed == config.seeds[0]]
    outcomes = {f"{case.operator}.{case.start}.{case.form}": _outcome(config, runs, case) for case in first}
    return Comparison(
        fields,
        _largest(config, fields),
        _of_the_template(config, prepared),
        _starts(config, prepared),
        outcomes,
        _sw_over_floor(config, outcomes),
    )


def _of_field(config: CompareOperatorsConfig, prepared: Runs, label: str) -> OfField:
    found = [prepared[plan.field_of(label, seed)] for seed in config.seeds]
    return OfField(*(finite_mean([each[what] for each in found]) for what in ("curl", "at_equality")))


def _largest(config: CompareOperatorsConfig, fields: dict[str, OfField]) -> Numbers:
    own = [fields[label] for label, operator in config.compared().items() if operator.drift.name == _SINKHORN]
    curls = [each.curl.value for each in own if each.curl is not None]
    norms = [each.at_equality.value for each in own if each.at_equality is not None]
    largest = {"curl": max(curls, default=None), "at_equality": max(norms, default=None)}
    return Numbers({f"sinkhorn.{what}.max": value for what, value in largest.items()})


def _of_the_template(config: CompareOperatorsConfig, prepared: Runs) -> dict[str, Numbers]:
    """The least and largest over the seeds, of an operator and of its family: `sinkhorn`, `discrepancies`."""
    found: dict[str, dict[str, list[float]]] = {}
    for label, operator in config.compared().items():
        family = _FAMILIES.get(operator.drift.name)
        for kept in (prepared.get(plan.template_of(label, seed), {}) for seed in config.seeds):
            for what in kept.keys() - {"asked"}:
                for whose in {label, family} - {None}:
                    found.setdefault(str(whose), {}).setdefault(what, []).append(kept[what])
    return {
        whose: Numbers({f"{what}.{end.__name__}": end(values) for what, values in each.items() for end in (min, max)})
        for whose, each in found.items()
    }


def _starts(config: CompareOperatorsConfig, prepared: Runs) -> Numbers:
    found: dict[str, Mean] = {}
    for start in config.starts:
        own = [prepared[plan.start_of(start, seed)] for seed in config.seeds if plan.start_of(start, seed) in prepared]
        if own:
            found |= {f"start.{start}.generator.{what}": Mean([r[what] for r in own]) for what in ("sw", "sw_floor")}
    return Numbers(found)


def _outcome(config: CompareOperatorsConfig, runs: Runs, case: OperatorRun) -> Outcome:
    own = [runs[OperatorRun(case.form, case.operator, case.start, seed)] for seed in config.seeds]
    diverged = float(np.mean([r["diverged"] is not None for r in own]))
    start = float(np.mean([r["sw"][0] for r in own]))
    if diverged:
        return Outcome(diverged, start)
    modes, iterated = "mode_error" in own[0], max(r["marginal_error"][-1] for r in own) > 0
    return Outcome(
        diverged,
        start,
        Mean([r["final"] for r in own]),
        float(np.mean([r["sw_floor"] for r in own])),
        Mean([r["mode_error"] for r in own]) if modes else None,
        float(np.mean([r["mode_error_floor"] for r in own])) if modes else None,
        max(max(r["marginal_error"]) for r in own) if iterated else None,
        float(np.mean([_mean_iterations(r) for r in own])) if iterated else None,
    )


def _mean_iterations(found: Mapping[str, Any]) -> float:
    """Over the steps of a run: each report is the mean since the one before."""
    lengths = np.diff(found["steps"])
    return float((lengths * found["iterations"][1:]).sum() / lengths.sum())


def _sw_over_floor(config: CompareOperatorsConfig, outcomes: dict[str, Outcome]) -> dict[str, float]:
    found = {}
    for form in config.forms:
        for label in config.compared():
            ratios = [outcomes[f"{label}.{start}.{form}"].sw_over_floor for start in config.starts]
            if all(ratio is not None for ratio in ratios):
                logs = np.log(ratios)  # type: ignore[arg-type]
                found[f"{label}.{form}"] = float(np.exp(np.mean(logs)))
    return found


def capped(config: CompareOperatorsConfig, found: Comparison) -> list[str]:
    """The operators whose iterations ended at their cap somewhere, in one line each."""
    told = []
    for label, operator in config.compared().items():
        own = [found.outcome(label, start, form) for start in config.starts for form in config.forms]
        worst, tol = max(each.marginal_error or 0.0 for each in own), getattr(operator.drift, "tol", None)
        if tol is not None and worst >= tol:
            told.append(
                f"{label} reached its iteration cap in some steps, with a marginal error of up to {worst:.2g}, above "
                f"its tol of {tol:g}: raise options.max_iter or options.epsilon"
            )
    return told


def courses(config: CompareOperatorsConfig, runs: Runs) -> Courses:
    """Every look at every run."""
    return Courses({
        form: [
            (case.operator, case.start, case.seed, *row)
            for case, found in runs.items()
            if case.form == form
            for row in zip(*(found[name] for name in _COURSE), strict=True)
        ]
        for form in config.forms
    })  # fmt: skip
