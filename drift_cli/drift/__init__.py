"""Drift operators, one file each."""

from __future__ import annotations

from drift_cli.abilities import Abilities, abilities
from drift_cli.drift.base import Drift, Fitted, Iterative, Random
from drift_cli.drift.batch_normalized import BatchNormalized
from drift_cli.drift.features import Features
from drift_cli.drift.from_discrepancy import FromDiscrepancy
from drift_cli.drift.guidance import drawn_strengths, with_unconditional
from drift_cli.drift.kernel_score import KernelScore
from drift_cli.drift.lookahead import Lookahead
from drift_cli.drift.mean_shift import MeanShift
from drift_cli.drift.multi_temperature import MultiTemperature
from drift_cli.drift.noised_query import NoisedQuery
from drift_cli.drift.per_class import drift_of_classes, drift_per_class
from drift_cli.drift.sharp import Sharp
from drift_cli.drift.sinkhorn import Sinkhorn
from drift_cli.drift.sinkhorn_proxy import SinkhornProxy

__all__ = [
    "Abilities",
    "BatchNormalized",
    "Drift",
    "Features",
    "Fitted",
    "FromDiscrepancy",
    "Iterative",
    "KernelScore",
    "Lookahead",
    "MeanShift",
    "MultiTemperature",
    "NoisedQuery",
    "Random",
    "Sharp",
    "Sinkhorn",
    "SinkhornProxy",
    "abilities",
    "drawn_strengths",
    "drift_of_classes",
    "drift_per_class",
    "with_unconditional",
]
