"""Discrepancies D(q, p) between samples, one file each; `build` makes the one that the settings name."""

from __future__ import annotations

from drift_cli.config.drift import FromDiscrepancyConfig
from drift_cli.discrepancy.base import Discrepancy
from drift_cli.discrepancy.chi2 import Chi2
from drift_cli.discrepancy.energy import Energy
from drift_cli.discrepancy.mmd import Mmd
from drift_cli.discrepancy.sinkhorn import SinkhornDivergence
from drift_cli.discrepancy.sliced_wasserstein import SlicedWasserstein
from drift_cli.discrepancy.smoothed_kl import SmoothedKl

__all__ = ["Chi2", "Discrepancy", "Energy", "Mmd", "SinkhornDivergence", "SlicedWasserstein", "SmoothedKl", "build"]


def build(config: FromDiscrepancyConfig) -> Discrepancy:
    """The discrepancy of `drift.discrepancy=…`."""
    match config.discrepancy:
        case "mmd":
            return Mmd()
        case "energy":
            return Energy()
        case "sliced_wasserstein":
            return SlicedWasserstein(config.projections)
        case "sinkhorn":
            return SinkhornDivergence(config.epsilon, config.tol, config.max_iter)
        case "chi2":
            return Chi2()
        case "smoothed_kl":
            return SmoothedKl(config.draws)
    raise TypeError(f"no discrepancy is called {config.discrepancy}")
