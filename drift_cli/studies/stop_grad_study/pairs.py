"""`samples` against `none`, paired by seed, at other bandwidths and batch sizes (ours)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from drift_cli.studies.numbers import Measured, Numbers, Ratio, Table, columns
from drift_cli.studies.stop_grad_study import training
from drift_cli.studies.stop_grad_study.comparison import Runs, by_seed, cases
from drift_cli.studies.stop_grad_study.settings import StopGradStudyConfig
from drift_cli.studies.stop_grad_study.training import PathsRun, Tracked


@dataclass(frozen=True)
class Cell(Measured):
    """One setting: SW-2 of `samples` over `none` by seed, and the share of the `samples` runs that collapsed."""

    setting: PathsRun  # its seed is 0
    runs: list[Tracked]  # of `samples`
    samples_over_none: Ratio
    samples_collapsed: float

    @property
    def key(self) -> str:
        own = self.setting
        return f"pairs.{own.dataset}.{own.kernel}.{own.bandwidth:g}.{own.batch_size}"


@dataclass(frozen=True)
class Pairs(Measured):
    """Every setting; `seeds` are those of the pairs.

    `kernels`: over all settings of a kernel, one mean a seed, of every pair and of those whose `samples` did not
    collapse.
    """

    cells: dict[str, Cell]
    kernels: Numbers
    seeds: tuple[int, ...]

    def tables(self) -> dict[str, Table]:
        rows = [
            (*(getattr(cell.setting, name) for name in ("dataset", "kernel", "bandwidth", "batch_size")), seed, ratio,
             float(run.collapsed))
            for cell in self.cells.values()
            for seed, ratio, run in zip(self.seeds, cell.samples_over_none.ratios, cell.runs, strict=True)
        ]  # fmt: skip
        names = ("dataset", "kernel", "bandwidth", "batch_size", "seed", "ratio", "collapsed")
        return {"pairs": columns(names, rows)} if rows else {}


def pairs(config: StopGradStudyConfig, runs: Runs) -> Pairs:
    """`samples` over `none` in SW-2 at every bandwidth and batch size."""
    halves: dict[PathsRun, list[tuple[Tracked, Tracked]]] = {}
    for dataset, kernel in cases(config):
        for none in training.pairs(config, dataset, kernel, "none"):
            samples = replace(none, paths="samples")
            halves.setdefault(replace(samples, seed=0), []).append((runs[samples], runs[none]))
    cells = [_cell(setting, each) for setting, each in halves.items()]
    kernels: dict[str, Ratio | None] = {}
    for kernel in config.kernels:
        if own := [cell for cell in cells if cell.setting.kernel == kernel]:
            every, rest = _of_kernel(own)
            kernels[f"pairs.{kernel}.samples_over_none"] = every
            kernels[f"pairs.{kernel}.samples_over_none_where_not_collapsed"] = rest
    return Pairs({cell.key: cell for cell in cells}, Numbers(kernels), tuple(config.pairs.seeds))


def _cell(setting: PathsRun, both: list[tuple[Tracked, Tracked]]) -> Cell:
    ratios = [samples.final_sw / none.final_sw for samples, none in both]
    runs = [samples for samples, _ in both]
    return Cell(setting, runs, Ratio(ratios), float(np.mean([run.collapsed for run in runs])))


def _of_kernel(cells: list[Cell]) -> tuple[Ratio, Ratio | None]:
    kept = [
        [
            np.nan if run.collapsed else ratio
            for ratio, run in zip(cell.samples_over_none.ratios, cell.runs, strict=True)
        ]
        for cell in cells
    ]
    rest = by_seed(kept)
    every = by_seed([list(cell.samples_over_none.ratios) for cell in cells])
    return Ratio(every), Ratio(rest) if rest else None
