"""Of `drift stop-grad-study`: `samples` against `none`, paired by seed, at other bandwidths and batch sizes (ours)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from drift_cli.studies.stop_grad_study import training
from drift_cli.studies.stop_grad_study.comparison import Runs, by_seed, cases
from drift_cli.studies.stop_grad_study.settings import StopGradStudyConfig
from drift_cli.studies.stop_grad_study.training import Case, Tracked
from drift_cli.studies.study import Study


@dataclass(frozen=True)
class Cell:
    """One setting of the pairs (its seed is 0): SW-2 of `samples` over `none` for each seed, and the `samples` runs."""

    setting: Case
    ratios: list[float]
    runs: list[Tracked]


def pairs(config: StopGradStudyConfig, s: Study, runs: Runs) -> list[Cell]:
    """`samples` over `none` in SW-2 at every bandwidth and batch size; over all of a kernel, one mean per seed."""
    cells: list[Cell] = []
    for dataset, kernel in cases(config):
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
            s.ratio(f"pairs.{kernel}.samples_over_none", by_seed([cell.ratios for cell in own]))
            kept = [[r if not run.collapsed else np.nan for r, run in zip(c.ratios, c.runs, strict=True)] for c in own]
            if rest := by_seed(kept):
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
    return cells
