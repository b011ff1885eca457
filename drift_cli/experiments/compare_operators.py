"""`drift compare-operators`: every drift operator from the same starts, as particles and as a generator; Figure 5."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from drift_cli import data
from drift_cli.config.compare_operators import CompareOperatorsConfig, OperatorConfig
from drift_cli.config.drift import SinkhornConfig
from drift_cli.experiments import kept_runs, operator_fields, operator_runs
from drift_cli.experiments.operator_fields import Field
from drift_cli.experiments.operator_runs import Case, plain
from drift_cli.experiments.operator_template import Template
from drift_cli.figures import compare_operators as figures
from drift_cli.report.study import Study, refuse_another, study
from drift_cli.runs.cores import usable
from drift_cli.runs.folder import RunFolder
from drift_cli.training.streams import stream

_SHOWN = 400  # points of the target behind the gallery
_LAPLACE, _SINKHORN = "laplace", "sinkhorn"
_FAMILIES = {_SINKHORN: "sinkhorn", "from_discrepancy": "discrepancies"}  # of drifts, by their name
Runs = dict[Case, dict[str, Any]]


@dataclass(frozen=True)
class Result:
    """What was measured, and every run as it is kept."""

    summary: dict[str, float]
    runs: Runs


def run(config: CompareOperatorsConfig, path: Path) -> Result:
    """Choose the step sizes, make every run that is not made yet, and write table, curves, figures and summary."""
    operator_runs.check(config)
    refuse_another(config, path)
    path.mkdir(parents=True, exist_ok=True)
    before = {**_fields(config), **_templates(config), **_starts(config), **_trials(config)}
    parts = len(before) + len(_cases(config)) + 2
    with (
        RunFolder(path).locked(),
        study("compare-operators", config, path, config.seeds[0], parts, resumable=True) as s,
    ):
        _milliseconds(config, s)
        prepared = _made(config, s, before, "prepared")
        etas = _chosen(config, s, prepared)
        plan = {case: _job(config, case, etas, path / "runs") for case in _cases(config)}
        runs = _made(config, s, plan, "run")
        s.part("what the runs say")
        _summarise(config, s, prepared, runs)
        _curves(config, s, runs)
        table = markdown(config, s.summary)
        (path / "table.md").write_text(table)
        s.console.print(table, highlight=False, soft_wrap=True)
        if config.dataset.name == "checkerboard" and "own" in config.starts:
            _figure_5(config, s, runs)
        _draw(config, s, runs)
    return Result(s.summary, runs)


def _cases(config: CompareOperatorsConfig) -> list[Case]:
    return [
        Case(form, label, start, seed)
        for form in config.forms
        for label in config.compared()
        for start in config.starts
        for seed in config.seeds
    ]


def _trials(config: CompareOperatorsConfig) -> dict[Case, kept_runs.Job]:
    """Every operator at every step size."""
    if "particles" not in config.forms:
        return {}
    return {
        Case("eta", label, "all", config.eta_seed, eta): operator_runs.Tried(
            {
                start: replace(operator_runs.particle_run(config, operator, start, config.eta_seed, eta), track=1)
                for start in config.starts
            }
        )
        for label, operator in config.compared().items()
        for eta in config.etas
    }


def _starts(config: CompareOperatorsConfig) -> dict[Case, kept_runs.Job]:
    """The generators that are on their starts, the same for every operator."""
    return {
        _start(start, seed): operator_runs.start_run(config, start, seed)
        for start in config.starts
        for seed in config.seeds
        if "generator" in config.forms and start != "own"
    }


def _start(start: str, seed: int) -> Case:
    return Case("start", "any", start, seed)


def _job(config: CompareOperatorsConfig, case: Case, etas: Mapping[str, float], folder: Path) -> kept_runs.Job:
    operator = config.compared()[case.operator]
    if case.form == "particles":
        return operator_runs.particle_run(config, operator, case.start, case.seed, etas[case.operator])
    weights = None if case.start == "own" else folder / f"{_start(case.start, case.seed).name}.json"
    return operator_runs.generator_run(config, operator, case.seed, weights)


def _made(config: CompareOperatorsConfig, s: Study, plan: Mapping[Case, kept_runs.Job], what: str) -> Runs:
    """The runs of the plan in its order, whichever was done first."""
    found: Runs = {}
    for case, kept in kept_runs.each(plan, s.path / "runs", config.jobs or usable()):
        found[case] = kept
        told = f", eta {case.eta:g}" if case.eta is not None else ""
        s.part(
            f"{what} ({len(found)} of {len(plan)}): {case.form}, {case.operator}, {case.start}, seed {case.seed}{told}"
        )
    return {case: found[case] for case in plan}


def _fields(config: CompareOperatorsConfig) -> dict[Case, kept_runs.Job]:
    return {
        _field(label, seed): Field(operator, config.dataset, config.particles, config.probes, seed)
        for label, operator in config.compared().items()
        for seed in config.seeds
    }


def _field(label: str, seed: int) -> Case:
    return Case("field", label, "standard", seed)


def _templates(config: CompareOperatorsConfig) -> dict[Case, kept_runs.Job]:
    """What is said of an operator's particles."""
    if "particles" not in config.forms:
        return {}
    return {
        _template(label, seed): Template(operator, config.dataset, seed)
        for label, operator in config.compared().items()
        for seed in config.seeds
    }


def _template(label: str, seed: int) -> Case:
    return Case("template", label, "standard", seed)


def _milliseconds(config: CompareOperatorsConfig, s: Study) -> None:
    """`<operator>.ms_per_drift` and `.ms_per_step`."""
    asked = {
        "operators": {label: plain(operator) for label, operator in config.compared().items()},
        "dataset": plain(config.dataset),
        "n": config.batch_size,
        "rounds": config.rounds,
        "generator": plain(config.generator),
    }

    def measure() -> None:
        s.part("the time of a drift and of a step")
        for label, (of_drift, of_step) in operator_fields.milliseconds(config).items():
            s.summary |= {f"{label}.ms_per_drift": of_drift, f"{label}.ms_per_step": of_step}

    s.once("milliseconds", asked, 1, measure)


def _mean(s: Study, key: str, values: list[float]) -> None:
    """The mean over seeds, and `.sd` where there is more than one; nothing where one of them is no number."""
    if np.isfinite(values).all():
        s.mean(key, values)


def _chosen(config: CompareOperatorsConfig, s: Study, tried: Runs) -> dict[str, float]:
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


def _summarise(config: CompareOperatorsConfig, s: Study, prepared: Runs, runs: Runs) -> None:
    """`<operator>.<start>.<form>.<what>`; `start.<start>.generator.<what>`: how near a generator is to its start."""
    for label in config.compared():
        for what in ("curl", "at_equality"):
            found = [prepared[_field(label, seed)][what] for seed in config.seeds]
            _mean(s, f"{label}.{what}", [np.nan if value is None else value for value in found])
    _extremes(config, s)
    _of_the_template(config, s, prepared)
    for start in config.starts:
        own = [prepared[_start(start, seed)] for seed in config.seeds if _start(start, seed) in prepared]
        if own:
            _mean(s, f"start.{start}.generator.sw", [r["sw"] for r in own])
            _mean(s, f"start.{start}.generator.sw_floor", [r["sw_floor"] for r in own])
    for case in _cases(config):
        if case.seed != config.seeds[0]:
            continue
        key, own = f"{case.operator}.{case.start}.{case.form}", _over_seeds(config, runs, case)
        s.summary[f"{key}.diverged"] = float(np.mean([r["diverged"] is not None for r in own]))
        s.summary[f"{key}.sw_start"] = float(np.mean([r["sw"][0] for r in own]))
        if s.summary[f"{key}.diverged"]:
            continue
        _mean(s, f"{key}.sw", [r["final"] for r in own])
        s.summary[f"{key}.sw_floor"] = float(np.mean([r["sw_floor"] for r in own]))
        if "mode_error" in own[0]:
            _mean(s, f"{key}.mode_error", [r["mode_error"] for r in own])
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
        for kept in (prepared.get(_template(label, seed), {}) for seed in config.seeds):
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


def _curves(config: CompareOperatorsConfig, s: Study, runs: Runs) -> None:
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


Row = list[str]


def headings(config: CompareOperatorsConfig) -> Row:
    starts = [f"{form}, {start.replace('_', ' ')}" for form in config.forms for start in config.starts]
    eta = ["η"] if "particles" in config.forms else []
    return ["operator", *eta, *starts, "ms per drift", "ms per step", "curl"]


def table_rows(config: CompareOperatorsConfig, summary: Mapping[str, float]) -> list[Row]:
    """One row an operator: SW-2 over its floor and, where there are modes, the error of their weights, by start."""
    rows = []
    for label in config.compared():
        eta = [f"{summary[f'{label}.eta']:g}"] if "particles" in config.forms else []
        cells = [_cell(f"{label}.{start}.{form}", summary) for form in config.forms for start in config.starts]
        times = [f"{summary[f'{label}.{what}']:.2f}" for what in ("ms_per_drift", "ms_per_step")]
        rows.append([label, *eta, *cells, *times, _small(summary.get(f"{label}.curl", np.nan))])
    return rows


def _cell(key: str, summary: Mapping[str, float]) -> str:
    if f"{key}.sw" not in summary:
        return "diverged"
    floor = summary[f"{key}.sw_floor"]
    spread = f" ± {summary[f'{key}.sw.sd'] / floor:.1f}" if f"{key}.sw.sd" in summary else ""
    modes = f"; {summary[f'{key}.mode_error']:.2f}" if f"{key}.mode_error" in summary else ""
    return f"{summary[f'{key}.sw'] / floor:.1f}{spread}{modes}"


def _small(value: float) -> str:
    """Two digits, and 0 for what rounding leaves."""
    return "–" if not np.isfinite(value) else "0" if value < 1e-3 else f"{value:.2f}"


def markdown(config: CompareOperatorsConfig, summary: Mapping[str, float]) -> str:
    """The table as Markdown, with what its cells are."""
    cells = "SW-2 over its floor (mean ± sd over seeds)"
    if operator_runs.target_modes(config.dataset) is not None:
        floors = [f"{form} {_mode_floor(form, summary):.2f}" for form in config.forms]
        cells += f"; total variation of the mode weights (of the target's own samples: {', '.join(floors)})"
    rows = [headings(config), ["---"] * len(headings(config)), *table_rows(config, summary)]
    return f"{cells}:\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def _mode_floor(form: str, summary: Mapping[str, float]) -> float:
    found = [value for key, value in summary.items() if key.endswith(f".{form}.mode_error_floor")]
    return float(np.mean(found)) if found else np.nan


def _figure_5(config: CompareOperatorsConfig, s: Study, runs: Runs) -> None:
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
        _mean(s, f"{key}.sw_over_floor", ratios)
        _mean(s, f"{key}.seconds", [r["seconds"][-1] for r in own])
        worst += ratios
        for name, each in reached.items():
            each[label] = [_first_within(r, name) for r in own]
            _mean(s, f"{key}.{name}_to_2_floors", each[label])
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


def _draw(config: CompareOperatorsConfig, s: Study, runs: Runs) -> None:
    folder = s.path / "figures"
    target = (
        data.build(config.dataset).sample(_SHOWN, stream(config.seeds[0], "snapshot"), torch.float64).points.numpy()
    )
    labels = list(config.compared())
    for form in config.forms:
        shown = {
            (label, start): _panel(s, runs[Case(form, label, start, config.seeds[0])], f"{label}.{start}.{form}")
            for label in labels
            for start in config.starts
        }
        s.figures.append(figures.gallery(shown, labels, config.starts, target, form, folder))
    if "own" in config.starts:
        names = operator_names(config)
        own = {names[label]: [runs[Case("generator", label, "own", seed)] for seed in config.seeds] for label in labels}
        s.figures.append(figures.training(own, target, folder))


def operator_names(config: CompareOperatorsConfig) -> dict[str, str]:
    """What Figure 5 calls each operator: the paper's name with its length where that is one operator's alone."""
    names = {label: _name(operator) or label.replace("_", " ") for label, operator in config.compared().items()}
    count = Counter(names.values())
    return {label: name if count[name] == 1 else label.replace("_", " ") for label, name in names.items()}


def _name(operator: OperatorConfig) -> str | None:
    if isinstance(operator.drift, SinkhornConfig):
        return f"Sinkhorn ε = {operator.drift.epsilon:g}"
    if (operator.drift.name, operator.kernel.name) == ("mean_shift", _LAPLACE):
        return f"Laplace τ = {operator.kernel.bandwidth:g}"
    return None


def _panel(s: Study, found: Mapping[str, Any], key: str) -> tuple[np.ndarray | None, str]:
    """The samples of one run, and what its panel says of the mean over seeds."""
    if "samples" not in found or f"{key}.sw" not in s.summary:
        return None, "diverged"
    told = f"SW {s.summary[f'{key}.sw'] / s.summary[f'{key}.sw_floor']:.1f} floors"
    if f"{key}.mode_error" in s.summary:
        told += f", TV {s.summary[f'{key}.mode_error']:.2f}"
    return np.array(found["samples"]), told
