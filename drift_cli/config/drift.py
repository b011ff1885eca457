"""Settings of the drift operators V(x; data, model)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from omegaconf import MISSING

from drift_cli.config.checks import at_least, between, finite, not_empty, one_of, positive

SELF_TERMS = ("include", "exclude")
DISCREPANCIES = {  # and whether each uses the run's kernel
    "mmd": True,
    "energy": False,
    "sliced_wasserstein": False,
    "sinkhorn": False,
    "chi2": True,
    "smoothed_kl": True,
}


@dataclass
class DriftConfig:
    name: str = MISSING
    self_term: str = MISSING
    differentiable: ClassVar[bool] = True  # whether gradients may go through V itself: gradient_paths

    @property
    def uses_kernel(self) -> bool:
        """Whether the run's kernel is used, and with it the schedule of its bandwidth."""
        return True

    @property
    def needs_gaussian(self) -> bool:
        """Whether the operator is what its name says with a Gaussian kernel alone."""
        return False

    def __post_init__(self) -> None:
        one_of("drift.self_term", self.self_term, SELF_TERMS)


@dataclass
class MeanShiftConfig(DriftConfig):
    name: str = "mean_shift"


@dataclass
class BatchNormalizedConfig(DriftConfig):
    name: str = "batch_normalized"


@dataclass
class MultiTemperatureConfig(DriftConfig):
    name: str = "multi_temperature"
    base: str = MISSING
    factors: list[float] = MISSING
    normalize: str = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("drift.base", self.base, ("mean_shift", "batch_normalized"))
        one_of("drift.normalize", self.normalize, ("none", "rms"))
        not_empty("drift.factors", self.factors)
        for factor in self.factors:
            between("each of drift.factors", factor, 1e-6, 1e6)


@dataclass
class SinkhornConfig(DriftConfig):
    name: str = "sinkhorn"
    epsilon: float = MISSING
    tol: float = MISSING
    max_iter: int = MISSING
    independent_self: bool = MISSING
    carry: bool = MISSING
    differentiable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        one_of("drift.self_term with drift=sinkhorn", self.self_term, ("include",))
        _check_transport(self.epsilon, self.tol, self.max_iter)

    @property
    def uses_kernel(self) -> bool:
        return False


@dataclass
class FromDiscrepancyConfig(DriftConfig):
    name: str = "from_discrepancy"
    discrepancy: str = MISSING
    projections: int = MISSING
    draws: int = MISSING
    epsilon: float = MISSING
    tol: float = MISSING
    max_iter: int = MISSING
    differentiable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        one_of("drift.self_term with drift=from_discrepancy", self.self_term, ("include",))
        one_of("drift.discrepancy", self.discrepancy, DISCREPANCIES)
        at_least("drift.projections", self.projections, 1)
        at_least("drift.draws", self.draws, 1)
        _check_transport(self.epsilon, self.tol, self.max_iter)

    @property
    def uses_kernel(self) -> bool:
        return DISCREPANCIES[self.discrepancy]

    @property
    def needs_gaussian(self) -> bool:
        return self.discrepancy == "smoothed_kl"


@dataclass
class SharpConfig(DriftConfig):
    name: str = "sharp"


@dataclass
class KernelScoreConfig(DriftConfig):
    name: str = "kernel_score"
    differentiable: ClassVar[bool] = False


@dataclass
class SinkhornProxyConfig(DriftConfig):
    name: str = "sinkhorn_proxy"


@dataclass
class NoisedQueryConfig(DriftConfig):
    name: str = "noised_query"
    draws: int = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("drift.draws", self.draws, 1)


@dataclass
class LookaheadConfig(DriftConfig):
    name: str = "lookahead"
    base: str = MISSING
    weights: list[float] = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("drift.base", self.base, ("mean_shift", "batch_normalized", "sinkhorn_proxy", "sharp"))
        not_empty("drift.weights", self.weights)
        for weight in self.weights:
            finite("each of drift.weights", weight)


def _check_transport(epsilon: float, tol: float, max_iter: int) -> None:
    positive("drift.epsilon", epsilon)
    between("drift.epsilon", epsilon, 1e-9, 1e9)  # beyond, a float32 holds no potential in units of it
    positive("drift.tol", tol)
    at_least("drift.max_iter", max_iter, 1)


DRIFTS: dict[str, type[DriftConfig]] = {
    "mean_shift": MeanShiftConfig,
    "batch_normalized": BatchNormalizedConfig,
    "multi_temperature": MultiTemperatureConfig,
    "sinkhorn": SinkhornConfig,
    "from_discrepancy": FromDiscrepancyConfig,
    "sharp": SharpConfig,
    "kernel_score": KernelScoreConfig,
    "sinkhorn_proxy": SinkhornProxyConfig,
    "noised_query": NoisedQueryConfig,
    "lookahead": LookaheadConfig,
}
