"""Drift operators, one file each; `build` makes the one that the settings name."""

from __future__ import annotations

from drift_cli import discrepancy
from drift_cli.config import drift as settings
from drift_cli.drift.base import Drift, Iterative, Random
from drift_cli.drift.batch_normalized import BatchNormalized
from drift_cli.drift.from_discrepancy import FromDiscrepancy
from drift_cli.drift.kernel_score import KernelScore
from drift_cli.drift.lookahead import Lookahead
from drift_cli.drift.mean_shift import MeanShift
from drift_cli.drift.multi_temperature import MultiTemperature
from drift_cli.drift.noised_query import NoisedQuery
from drift_cli.drift.per_class import drift_per_class
from drift_cli.drift.sharp import Sharp
from drift_cli.drift.sinkhorn import Sinkhorn
from drift_cli.drift.sinkhorn_proxy import SinkhornProxy

__all__ = [
    "BatchNormalized",
    "Drift",
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
    "build",
    "drift_per_class",
]


def build(config: settings.DriftConfig) -> Drift:
    """The operator of `drift=…`."""
    match config:
        case settings.MultiTemperatureConfig():
            base = MeanShift if config.base == "mean_shift" else BatchNormalized
            return MultiTemperature(base(config.self_term), tuple(config.factors), config.normalize == "rms")
        case settings.MeanShiftConfig():
            return MeanShift(config.self_term)
        case settings.BatchNormalizedConfig():
            return BatchNormalized(config.self_term)
        case settings.SinkhornConfig():
            return Sinkhorn(config.epsilon, config.tol, config.max_iter, config.independent_self, config.carry)
        case settings.FromDiscrepancyConfig():
            return FromDiscrepancy(discrepancy.build(config), config.discrepancy)
        case settings.SharpConfig():
            return Sharp(config.self_term)
        case settings.KernelScoreConfig():
            return KernelScore(config.self_term)
        case settings.SinkhornProxyConfig():
            return SinkhornProxy(config.self_term)
        case settings.NoisedQueryConfig():
            return NoisedQuery(MeanShift(config.self_term), config.draws)
        case settings.LookaheadConfig():
            return Lookahead(build(settings.DRIFTS[config.base](self_term=config.self_term)), tuple(config.weights))
    raise TypeError(f"no drift is built from {type(config).__name__}")
