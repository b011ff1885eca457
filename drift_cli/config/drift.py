"""Settings of the drift operators V(x; data, model)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from omegaconf import MISSING

from drift_cli.config.checks import at_least, between, finite, not_empty, one_of, positive
from drift_cli.errors import UserError

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
    def used_epsilon(self) -> float | None:
        """The entropic regularisation that counts, of an operator that iterates transport plans."""
        return None

    @property
    def told(self) -> str:
        """The operator as a run's headline names it."""
        return self.name

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
        _counts_itself(self, "the plan of the samples with themselves holds every pair")
        _check_transport(self.epsilon, self.tol, self.max_iter)

    @property
    def uses_kernel(self) -> bool:
        return False

    @property
    def used_epsilon(self) -> float | None:
        return self.epsilon


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
        _counts_itself(self, "a discrepancy is of all samples")
        one_of("drift.discrepancy", self.discrepancy, DISCREPANCIES)
        at_least("drift.projections", self.projections, 1)
        at_least("drift.draws", self.draws, 1)
        _check_transport(self.epsilon, self.tol, self.max_iter)

    @property
    def uses_kernel(self) -> bool:
        return DISCREPANCIES[self.discrepancy]

    @property
    def used_epsilon(self) -> float | None:
        return self.epsilon if self.discrepancy == "sinkhorn" else None

    @property
    def told(self) -> str:
        projections = f", {self.projections} projections" if self.discrepancy == "sliced_wasserstein" else ""
        return f"discrepancy: {self.discrepancy}{projections}"

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


def check_epsilon(key: str, epsilon: float) -> None:
    """Beyond these bounds a float32 holds no potential in units of ε."""
    between(key, epsilon, 1e-9, 1e9, f"give a length squared where the data has about unit size, e.g. {key}=0.05")


def _check_transport(epsilon: float, tol: float, max_iter: int) -> None:
    check_epsilon("drift.epsilon", epsilon)
    positive("drift.tol", tol, "give the L1 marginal error at which the iterations of a plan end, e.g. drift.tol=0.01")
    at_least("drift.max_iter", max_iter, 1, "give the most iterations that a plan may take, e.g. drift.max_iter=50")


def _counts_itself(drift: DriftConfig, why: str) -> None:
    """Refuse to leave a sample out of its own model's samples where the operator is of all of them."""
    if drift.self_term != "include":
        raise UserError(
            f'drift.self_term must be include with drift={drift.name}, got "{drift.self_term}": {why}. Leave it out.'
        )


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
