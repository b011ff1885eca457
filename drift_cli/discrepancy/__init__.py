"""Discrepancies D(q, p) between samples, one file each."""

from __future__ import annotations

from drift_cli.discrepancy.base import Discrepancy
from drift_cli.discrepancy.chi2 import Chi2
from drift_cli.discrepancy.energy import Energy
from drift_cli.discrepancy.mmd import Mmd
from drift_cli.discrepancy.sinkhorn import Sinkhorn as SinkhornDivergence
from drift_cli.discrepancy.sliced_wasserstein import SlicedWasserstein
from drift_cli.discrepancy.smoothed_kl import SmoothedKl

__all__ = ["Chi2", "Discrepancy", "Energy", "Mmd", "SinkhornDivergence", "SlicedWasserstein", "SmoothedKl"]
