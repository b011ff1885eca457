"""Settings of `drift verify-flow`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from drift_cli.config.checked import Checked, Seed, within
from drift_cli.errors import UserError

_BANDWIDTHS = (1e-2, 2)  # grids cover the modes at `nodes` to the bandwidth; beyond 2 the torus, of length 2π, is full
_DEVIATIONS = (1e-2, 1e2)
_MOST_STEPS = 20_000


@dataclass(kw_only=True)
class VerifyFlowConfig(Checked):
    weights: Annotated[list[float], within(1e-9, 1)]
    means: Annotated[list[float], within(-20, 20)]
    deviations: Annotated[list[float], within(*_DEVIATIONS)]
    bandwidths: Annotated[list[float], within(*_BANDWIDTHS)]
    nodes: Annotated[int, within(4, 32)]
    particles: Annotated[int, within(2, 500)]
    plane_particles: Annotated[int, within(1, 20)]
    gap_bandwidths: Annotated[list[float], within(1e-3, 1e2)]
    gap_fit_below: Annotated[float, within(1e-3, 1e3)]
    modes: Annotated[int, within(2, 16)]
    quantiles: Annotated[int, within(2, 400)]
    taus: Annotated[list[float], within(1e-6, 1e-1)]
    residual: Annotated[float, within(1e-12, 1e-4)]
    scheme_taus: Annotated[list[float], within(1e-3, 100)]
    scheme_steps: Annotated[int, within(1, 1000)]
    limit_horizon: Annotated[float, within(1e-2, 100)]
    limit_steps: Annotated[list[int], within(2, 4096)]
    rare_weight: Annotated[float, within(1e-9, 0.5)]
    rare_distance: Annotated[float, within(1e-2, 20)]
    rare_deviation: Annotated[float, within(*_DEVIATIONS)]
    start: Annotated[float, within(-50, 50)]
    flow_horizon: Annotated[float, within(0.1, 200)]
    configurations: Annotated[int, within(2, 10_000)]
    ascents: Annotated[int, within(2, 1000)]
    noised_draws: Annotated[list[int], within(1, 1000)]
    noised_runs: Annotated[int, within(2, 1000)]
    noised_step: Annotated[float, within(1e-4, 1)]
    threads: Annotated[int, within(1, 1024)]
    seed: Seed

    def check_together(self) -> None:
        for key in ("bandwidths", "gap_bandwidths", "taus", "scheme_taus", "limit_steps", "noised_draws"):
            setattr(self, key, sorted(set(getattr(self, key))))
        self._check_target()
        limit = self.gap_fit_below * min(self.deviations)
        below = [each for each in self.gap_bandwidths if each <= limit]
        _enough("gap_bandwidths", below, f"up to gap_fit_below times the smallest of deviations, {limit:g},")
        _enough("taus", self.taus, "that differ")
        for steps in self.limit_steps:
            if steps % self.limit_steps[0]:
                raise UserError(
                    f"limit_steps must be multiples of the smallest, {self.limit_steps[0]}, got {steps}: the schemes "
                    "are compared at common times."
                )
        _enough("limit_steps", self.limit_steps, "that differ")
        if self.flow_horizon / self.noised_step > _MOST_STEPS:
            raise UserError(
                f"flow_horizon / noised_step must be at most {_MOST_STEPS} steps, got "
                f"{self.flow_horizon / self.noised_step:g}: raise noised_step or lower flow_horizon."
            )

    def _check_target(self) -> None:
        for key in ("means", "deviations"):
            if len(getattr(self, key)) != len(self.weights):
                raise UserError(
                    f"{key} must name one value for each of weights, got {len(getattr(self, key))} for "
                    f"{len(self.weights)}: weights, means and deviations describe the same modes."
                )
        if abs(sum(self.weights) - 1) > 1e-9:
            raise UserError(f"weights must sum to 1, got {sum(self.weights):g}: divide each by the sum.")
        if len(set(zip(self.means, self.deviations, strict=True))) < 2:
            raise UserError(
                f"weights must name at least 2 modes that differ, got {len(self.weights)}: the drift toward a single "
                "normal is linear, and smoothing leaves it as it is."
            )


def _enough(key: str, values: list, which: str) -> None:
    if len(values) < 3:
        raise UserError(f"{key} must name at least 3 values {which} to fit an order to, got {values}: add some.")
