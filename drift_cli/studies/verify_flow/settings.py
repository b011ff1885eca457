"""Settings of `drift verify-flow`."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from drift_cli.errors import UserError
from drift_cli.rules import at_least, between, not_empty

_BANDWIDTHS = (1e-2, 2)  # grids cover the modes at `nodes` to the bandwidth; beyond 2 the torus, of length 2π, is full
_DEVIATIONS = (1e-2, 1e2)
_MOST_STEPS = 20_000


@dataclass
class VerifyFlowConfig:
    weights: list[float] = MISSING
    means: list[float] = MISSING
    deviations: list[float] = MISSING
    bandwidths: list[float] = MISSING
    nodes: int = MISSING
    particles: int = MISSING
    plane_particles: int = MISSING
    gap_bandwidths: list[float] = MISSING
    gap_fit_below: float = MISSING
    modes: int = MISSING
    quantiles: int = MISSING
    taus: list[float] = MISSING
    residual: float = MISSING
    scheme_taus: list[float] = MISSING
    scheme_steps: int = MISSING
    limit_horizon: float = MISSING
    limit_steps: list[int] = MISSING
    rare_weight: float = MISSING
    rare_distance: float = MISSING
    rare_deviation: float = MISSING
    start: float = MISSING
    flow_horizon: float = MISSING
    configurations: int = MISSING
    ascents: int = MISSING
    noised_draws: list[int] = MISSING
    noised_runs: int = MISSING
    noised_step: float = MISSING
    threads: int = MISSING
    seed: int = MISSING

    def __post_init__(self) -> None:
        for key in ("bandwidths", "gap_bandwidths", "taus", "scheme_taus", "limit_steps", "noised_draws"):
            not_empty(key, getattr(self, key))
            setattr(self, key, sorted(set(getattr(self, key))))
        self._check_target()
        for bandwidth in self.bandwidths:
            between("each of bandwidths", bandwidth, *_BANDWIDTHS)
        between("nodes", self.nodes, 4, 32)
        between("particles", self.particles, 2, 500)
        between("plane_particles", self.plane_particles, 1, 20)
        for bandwidth in self.gap_bandwidths:
            between("each of gap_bandwidths", bandwidth, 1e-3, 1e2)
        between("gap_fit_below", self.gap_fit_below, 1e-3, 1e3)
        limit = self.gap_fit_below * min(self.deviations)
        below = [each for each in self.gap_bandwidths if each <= limit]
        _enough("gap_bandwidths", below, f"up to gap_fit_below times the smallest of deviations, {limit:g},")
        between("modes", self.modes, 2, 16)
        between("quantiles", self.quantiles, 2, 400)
        for tau in self.taus:
            between("each of taus", tau, 1e-6, 1e-1)
        _enough("taus", self.taus, "that differ")
        between("residual", self.residual, 1e-12, 1e-4)
        for tau in self.scheme_taus:
            between("each of scheme_taus", tau, 1e-3, 100)
        between("scheme_steps", self.scheme_steps, 1, 1000)
        between("limit_horizon", self.limit_horizon, 1e-2, 100)
        for steps in self.limit_steps:
            between("each of limit_steps", steps, 2, 4096)
            if steps % self.limit_steps[0]:
                raise UserError(
                    f"limit_steps must be multiples of the smallest, {self.limit_steps[0]}, got {steps}: the schemes "
                    "are compared at common times."
                )
        _enough("limit_steps", self.limit_steps, "that differ")
        between("rare_weight", self.rare_weight, 1e-9, 0.5)
        between("rare_distance", self.rare_distance, 1e-2, 20)
        between("rare_deviation", self.rare_deviation, *_DEVIATIONS)
        between("start", self.start, -50, 50)
        between("flow_horizon", self.flow_horizon, 0.1, 200)
        between("configurations", self.configurations, 2, 10_000)
        between("ascents", self.ascents, 2, 1000)
        for draws in self.noised_draws:
            between("each of noised_draws", draws, 1, 1000)
        between("noised_runs", self.noised_runs, 2, 1000)
        between("noised_step", self.noised_step, 1e-4, 1)
        if self.flow_horizon / self.noised_step > _MOST_STEPS:
            raise UserError(
                f"flow_horizon / noised_step must be at most {_MOST_STEPS} steps, got "
                f"{self.flow_horizon / self.noised_step:g}: raise noised_step or lower flow_horizon."
            )
        between("threads", self.threads, 1, 1024)
        at_least("seed", self.seed, 0)

    def _check_target(self) -> None:
        not_empty("weights", self.weights)
        for key in ("means", "deviations"):
            if len(getattr(self, key)) != len(self.weights):
                raise UserError(
                    f"{key} must name one value for each of weights, got {len(getattr(self, key))} for "
                    f"{len(self.weights)}: weights, means and deviations describe the same modes."
                )
        for weight in self.weights:
            between("each of weights", weight, 1e-9, 1)
        if abs(sum(self.weights) - 1) > 1e-9:
            raise UserError(f"weights must sum to 1, got {sum(self.weights):g}: divide each by the sum.")
        if len(set(zip(self.means, self.deviations, strict=True))) < 2:
            raise UserError(
                f"weights must name at least 2 modes that differ, got {len(self.weights)}: the drift toward a single "
                "normal is linear, and smoothing leaves it as it is."
            )
        for mean in self.means:
            between("each of means", mean, -20, 20)
        for deviation in self.deviations:
            between("each of deviations", deviation, *_DEVIATIONS)


def _enough(key: str, values: list, which: str) -> None:
    if len(values) < 3:
        raise UserError(f"{key} must name at least 3 values {which} to fit an order to, got {values}: add some.")
