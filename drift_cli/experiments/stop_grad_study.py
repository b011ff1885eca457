"""`drift stop-grad-study`: Theorem 5.6, Figures 3 and 4, and which path of the gradient does the harm."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import stats

from drift_cli import data, kernels
from drift_cli.config.kernel import KERNELS
from drift_cli.config.stop_grad_study import StopGradStudyConfig
from drift_cli.config.training import GRADIENT_PATHS
from drift_cli.experiments import stop_grad_mechanism as mechanism
from drift_cli.experiments import stop_grad_training as training
from drift_cli.experiments.stop_grad_training import Case, Tracked
from drift_cli.figures import stop_grad_study as figures
from drift_cli.report.study import Study, refuse_another, study
from drift_cli.runs.folder import RunFolder
from drift_cli.theory import correlation
from drift_cli.training import device as devices

_REACHED = 2.0  # deviations of the floor, within which a drift norm counts as having reached it
Runs = dict[Case, Tracked]


@dataclass(frozen=True)
class Cell:
    """One setting of the pairs (its seed is 0): SW-2 of `samples` over `none` for each seed, and the `samples` runs."""

    setting: Case
    ratios: list[float]
    runs: list[Tracked]


@dataclass(frozen=True)
class Result:
    """What was measured, and every run."""

    summary: dict[str, float]
    runs: Runs


def run(config: StopGradStudyConfig, path: Path) -> Result:
    """Measure the mechanism, train every run that is not done yet, and write curves, figures, summary and claims."""
    plan = training.planned(config)  # what cannot be trained is refused before any work
    devices.resolve(config.device)
    refuse_another(config, path)
    path.mkdir(parents=True, exist_ok=True)
    parts = mechanism.PARTS + len(plan) + 1
    with (
        RunFolder(path).locked(),
        study("stop-grad-study", config, path, config.seeds[0], parts, resumable=True) as s,
    ):
        targets = {name: data.build(training.DATASETS[name]) for name in config.datasets}
        used = {name: kernels.build(KERNELS[name](bandwidth=config.bandwidth)) for name in config.kernels}
        seed = config.seeds[0]
        asked = {"datasets": config.datasets, "kernels": config.kernels, "bandwidth": config.bandwidth, "seed": seed}
        s.once("mechanism", asked, mechanism.PARTS, lambda: mechanism.measure(targets, used, seed, s))
        found: Runs = {}
        for case, tracked in training.carried_out(plan, path / "runs", config.jobs):
            found[case] = tracked
            setting = f"{case.dataset}, {case.kernel} {case.bandwidth:g}, batch {case.batch_size}"
            s.done(f"run {len(found)} of {len(plan)}: {setting}, {case.paths}, seed {case.seed}")
            if tracked.diverged is not None:
                s.console.print(f"{case.paths} on {setting}, seed {case.seed}: the loss was not finite at step "
                                f"{tracked.diverged}; measured where it was last", soft_wrap=True)  # fmt: skip
        runs = {case: found[case] for case in plan}  # in the order of the plan, whichever was done first
        s.part("what the runs say")
        _means(config, s, runs)
        _comparisons(config, s, runs)
        _correlations(config, s, runs)
        _planes(config, s, runs)
        _pairs(config, s, runs)
        _collapses(s, runs)
        _worst(config, s)
        _draw(config, s, runs)
    return Result(s.summary, runs)


def _own(config: StopGradStudyConfig, runs: Runs, dataset: str, kernel: str, paths: str) -> list[Tracked]:
    """The runs at the study's own bandwidth and batch, one per seed."""
    return [
        runs[Case(dataset, kernel, config.bandwidth, config.batch_size, paths, seed)] for seed in config.seeds
    ]  # fmt: skip


def _cases(config: StopGradStudyConfig) -> Iterable[tuple[str, str]]:
    return itertools.product(config.datasets, config.kernels)


def _means(config: StopGradStudyConfig, s: Study, runs: Runs) -> None:
    """`<dataset>.<kernel>.<paths>.<what>`: the mean over seeds, and `.sd` where there is more than one; the curves."""
    for (dataset, kernel), paths in itertools.product(_cases(config), GRADIENT_PATHS):
        own = _own(config, runs, dataset, kernel, paths)
        columns = {
            "sw": [r.final_sw for r in own],
            "sw_floor": [r.sw_floor for r in own],
            "loss": [r.loss for r in own],
            "drift_norm": [r.drift_norm[-1] for r in own],
            "drift_norm_floor": [r.norm_floor for r in own],
            "drift_norm_start": [r.drift_norm[0] for r in own],
            "spread": [r.spread[-1] for r in own],
            "uncovered": [r.uncovered[-1] for r in own],
            "collapsed": [float(r.collapsed) for r in own],
            "diverged": [float(r.diverged is not None) for r in own],
        }
        for what, values in columns.items():
            s.mean(f"{dataset}.{kernel}.{paths}.{what}", values)
        for seed, r in zip(config.seeds, own, strict=True):
            names = ("steps", "drift_norm", "sw", "spread", "uncovered")
            s.curves(f"{dataset}_{kernel}_{paths}_{seed}", {name: getattr(r, name) for name in names})


def _comparisons(config: StopGradStudyConfig, s: Study, runs: Runs) -> None:
    """Each choice of paths beside `none`, paired by seed."""
    all_over_floor: list[list[float]] = []
    all_losses: list[list[float]] = []
    for dataset, kernel in _cases(config):
        case, none = f"{dataset}.{kernel}", _own(config, runs, dataset, kernel, "none")
        s.summary[f"{case}.none_over_floor"] = s.summary[f"{case}.none.sw"] / s.summary[f"{case}.none.sw_floor"]
        for paths in GRADIENT_PATHS[1:]:
            own = _own(config, runs, dataset, kernel, paths)
            s.ratio(f"{case}.{paths}_over_none.sw", [a.final_sw / b.final_sw for a, b in zip(own, none, strict=True)])
            s.ratio(f"{case}.{paths}_over_none.loss", [a.loss / b.loss for a, b in zip(own, none, strict=True)])
        both = _own(config, runs, dataset, kernel, "both")
        over_floor = [r.drift_norm[-1] / r.norm_floor for r in both]
        s.ratio(f"{case}.none.drift_norm_over_floor", [r.drift_norm[-1] / r.norm_floor for r in none])
        s.ratio(f"{case}.both.drift_norm_over_floor", over_floor)
        s.ratio(f"{case}.both.drift_norm_fall", [r.drift_norm[-1] / r.drift_norm[0] for r in both])
        all_over_floor.append(over_floor)
        all_losses.append([a.loss / b.loss for a, b in zip(both, none, strict=True)])
    # Over all cases: a mean per seed first, so that the interval is one over seeds.
    for key, ratios in (("both_drift_norm_over_floor", all_over_floor), ("both_over_none_loss", all_losses)):
        s.ratio(key, _by_seed(ratios))
    if {"laplace", "gaussian"} <= set(config.kernels):
        gaussian, laplace = (
            [[r.final_sw for r in _own(config, runs, dataset, kernel, "none")] for dataset in config.datasets]
            for kernel in ("gaussian", "laplace")
        )
        s.ratio("none.gaussian_over_laplace_sw", _by_seed(np.divide(gaussian, laplace).tolist()))


def before_floor(r: Tracked) -> int:
    """How many tracked points come before the drift norm is first within two deviations of its floor."""
    reached = np.flatnonzero(r.drift_norm <= r.norm_floor + _REACHED * r.norm_floor_sd)
    return int(reached[0]) if len(reached) else len(r.steps)


def _correlations(config: StopGradStudyConfig, s: Study, runs: Runs) -> None:
    """log drift norm against log SW along the runs, whole and before the drift norm reaches its floor."""
    for (dataset, kernel), paths in itertools.product(_cases(config), GRADIENT_PATHS):
        own = _own(config, runs, dataset, kernel, paths)
        for name, lengths in (
            ("correlation", [len(r.steps) for r in own]),
            ("correlation_before_floor", [before_floor(r) for r in own]),
        ):
            x = [r.drift_norm[:n] for r, n in zip(own, lengths, strict=True)]
            y = [r.sw[:n] for r, n in zip(own, lengths, strict=True)]
            if (found := correlation.log_log(x, y, config.seeds[0])) is not None:
                s.interval(f"{dataset}.{kernel}.{paths}.{name}", found.value, found.low, found.high)


def _planes(config: StopGradStudyConfig, s: Study, runs: Runs) -> None:
    """Where on its plane each run's loss is least, and what SW-2 is there."""
    for (dataset, kernel), paths in itertools.product(_cases(config), GRADIENT_PATHS):
        run = _own(config, runs, dataset, kernel, paths)[0]
        plane = run.plane
        if plane is None:
            continue
        key = f"{dataset}.{kernel}.{paths}.plane"
        least = np.unravel_index(plane.loss.argmin(), plane.loss.shape)
        s.summary |= {
            f"{key}.loss": float(plane.loss[least]),
            f"{key}.sw_at_least_loss_over_floor": float(plane.sw[least]) / run.sw_floor,
            f"{key}.sw_at_least_loss_over_least_sw": float(plane.sw[least] / plane.sw.min()),
            f"{key}.variance": float(plane.shares.sum()),
            f"{key}.way": plane.explained,
        }
        x, y = np.meshgrid(plane.x, plane.y)
        columns = {"x": x.ravel(), "y": y.ravel(), "loss": plane.loss.ravel(), "sw": plane.sw.ravel()}
        s.curves(f"plane_{dataset}_{kernel}_{paths}", columns)


def _pairs(config: StopGradStudyConfig, s: Study, runs: Runs) -> None:
    """`samples` over `none` in SW-2 at every bandwidth and batch size; over all of a kernel, one mean per seed."""
    cells: list[Cell] = []
    for dataset, kernel in _cases(config):
        for none in training.pairs(config, dataset, kernel, "none"):
            samples = replace(none, paths="samples")
            if not cells or cells[-1].setting != replace(samples, seed=0):
                cells.append(Cell(replace(samples, seed=0), [], []))
            cells[-1].ratios.append(runs[samples].final_sw / runs[none].final_sw)
            cells[-1].runs.append(runs[samples])
    for cell in cells:
        case = cell.setting
        key = f"pairs.{case.dataset}.{case.kernel}.{case.bandwidth:g}.{case.batch_size}"
        s.ratio(f"{key}.samples_over_none", cell.ratios)
        s.summary[f"{key}.samples_collapsed"] = float(np.mean([run.collapsed for run in cell.runs]))
    for kernel in config.kernels:
        own = [cell for cell in cells if cell.setting.kernel == kernel]
        if own:
            s.ratio(f"pairs.{kernel}.samples_over_none", _by_seed([cell.ratios for cell in own]))
            kept = [[r if not run.collapsed else np.nan for r, run in zip(c.ratios, c.runs, strict=True)] for c in own]
            if rest := _by_seed(kept):
                s.ratio(f"pairs.{kernel}.samples_over_none_where_not_collapsed", rest)
    if cells:
        rows = [
            (*(getattr(cell.setting, name) for name in ("dataset", "kernel", "bandwidth", "batch_size")), seed, ratio,
             float(run.collapsed))
            for cell in cells
            for seed, ratio, run in zip(config.pairs.seeds, cell.ratios, cell.runs, strict=True)
        ]  # fmt: skip
        names = ("dataset", "kernel", "bandwidth", "batch_size", "seed", "ratio", "collapsed")
        s.rows("pairs", names, rows)
        s.figures.append(figures.pairs(cells, s.path / "figures"))
        s.figures.append(figures.samples_alone(cells, s.path / "figures"))


def _by_seed(ratios: list[list[float]]) -> list[float]:
    """The geometric mean over cases for each seed, one row a case; what is nan is left out, and seeds without any."""
    logs = np.log(np.array(ratios))
    return [float(np.exp(np.nanmean(column))) for column in logs.T if np.isfinite(column).any()]


def _collapses(s: Study, runs: Runs) -> None:
    """The share of all runs of each choice of paths that ended in a collapse, with the exact binomial interval."""
    for paths in GRADIENT_PATHS:
        found = [run.collapsed for case, run in runs.items() if case.paths == paths]
        ends = stats.binomtest(sum(found), len(found)).proportion_ci()
        s.interval(f"{paths}_collapsed", float(np.mean(found)), float(ends.low), float(ends.high))
        s.summary[f"{paths}_runs"] = float(len(found))
    # Where `none` leaves the target uncovered as well, the runs are too short or too small to tell a collapse by it.
    if s.summary["none_collapsed"] == 0:
        for paths in ("query", "samples"):
            for end in ("", ".ci_low", ".ci_high"):
                s.summary[f"{paths}_alone_collapses{end}"] = s.summary[f"{paths}_collapsed{end}"]


def _worst(config: StopGradStudyConfig, s: Study) -> None:
    """The numbers that decide the claims: each over all datasets and kernels, its worst case."""
    decisive: tuple[tuple[str, str, Callable[..., str]], ...] = (
        ("none_over_floor.max", "none_over_floor", max),
        ("both_over_none_sw.min", "both_over_none.sw", min),
        ("query_over_none_sw.min", "query_over_none.sw", min),
        ("samples_over_none_sw.min", "samples_over_none.sw", min),
        ("samples_over_none_sw.max", "samples_over_none.sw", max),
        ("both_over_none_loss.max", "both_over_none.loss", max),
        ("none_drift_norm_over_floor.max", "none.drift_norm_over_floor", max),
        ("both_drift_norm_over_floor.max", "both.drift_norm_over_floor", max),
        ("correlation_none.min", "none.correlation", min),
        ("plane_none_sw_over_least.max", "none.plane.sw_at_least_loss_over_least_sw", max),
        ("plane_both_sw_over_floor.min", "both.plane.sw_at_least_loss_over_floor", min),
    )
    for name, field, worst in decisive:
        _extreme(s, name, [f"{dataset}.{kernel}.{field}" for dataset, kernel in _cases(config)], worst)
    laplace = [f"{dataset}.laplace.none.correlation" for dataset in config.datasets]  # the paper's own kernel
    _extreme(s, "correlation_none_laplace.min", laplace, min)
    deeper = []
    for dataset, kernel in _cases(config):
        key = f"{dataset}.{kernel}"
        if f"{key}.both.plane.loss" in s.summary and f"{key}.none.plane.loss" in s.summary:
            s.summary[f"{key}.plane_both_over_none_loss"] = (
                s.summary[f"{key}.both.plane.loss"] / s.summary[f"{key}.none.plane.loss"]
            )
            deeper.append(f"{key}.plane_both_over_none_loss")
    _extreme(s, "plane_both_over_none_loss.max", deeper, max)


def _extreme(s: Study, name: str, keys: list[str], worst: Callable[..., str]) -> None:
    """The worst of `keys` under `name`, with its interval where it has one; nothing where none was measured."""
    present = [key for key in keys if key in s.summary]
    if not present:
        return
    chosen = worst(present, key=s.summary.__getitem__)
    for end in ("", ".ci_low", ".ci_high"):
        if chosen + end in s.summary:
            s.summary[name + end] = s.summary[chosen + end]


def _draw(config: StopGradStudyConfig, s: Study, runs: Runs) -> None:
    folder = s.path / "figures"
    for kernel in config.kernels:
        own = {
            (dataset, paths): _own(config, runs, dataset, kernel, paths)
            for dataset, paths in itertools.product(config.datasets, GRADIENT_PATHS)
        }
        titles = {
            (dataset, paths): s.summary.get(f"{dataset}.{kernel}.{paths}.correlation", np.nan) for dataset, paths in own
        }
        label = f"{kernel} {config.bandwidth:g}"
        s.figures.append(figures.norm_against_distance(own, titles, label, folder, f"norm_against_distance_{kernel}"))
        s.figures.append(figures.curves(own, label, folder, f"curves_{kernel}"))
        s.figures.append(figures.samples(own, label, folder, f"samples_{kernel}"))
        for dataset in config.datasets:
            planes = {paths: own[dataset, paths][0] for paths in GRADIENT_PATHS}
            if all(r.plane is not None for r in planes.values()):
                name = f"landscape_{dataset}_{kernel}"
                s.figures.append(figures.landscape(planes, f"{dataset}, {label}", folder, name))
