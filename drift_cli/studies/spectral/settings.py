"""Settings of `drift spectral`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from drift_cli.config.checked import Checked, Positive, Seed, choice, obeys, within
from drift_cli.errors import UserError
from drift_cli.rules import between, positive
from drift_cli.studies.kernels import with_settings

# Points times bandwidth from which sampling the exponential kernel's cusp costs less than 1e-4 (1-D) and 1e-3 (2-D) of
# a rate; the error falls as the square of the spacing.
_CUSP = {"grid": 200.0, "grid_2d": 24.0}


@dataclass(kw_only=True)
class SpectralConfig(Checked):
    """Lengths are in the units of a torus of period 2π; times are the flow's."""

    kernels: Annotated[list[str], choice(with_settings("alpha"))]
    bandwidth: Positive
    alpha: Annotated[float, within(1.5, 1e3)]
    dimensions: Annotated[list[int], within(1, 4096)]
    modes: Annotated[int, within(1, 1000)]
    modes_2d: Annotated[int, within(1, 100)]
    grid: int
    grid_2d: int
    amplitude: Annotated[float, within(1e-8, 0.1)]
    horizon: Positive
    steps: Annotated[int, within(10, 10_000)]
    far_bandwidth: Positive
    particles: Annotated[int, within(50, 20_000)]
    starts: Annotated[int, within(3, 1000)]
    dimension: Annotated[int, within(1, 2)]
    epsilon: float
    sigma0: Positive
    sigma_min: Annotated[float | None, obeys(positive)] = None
    anneal_rate: Positive
    follow: Positive
    target_ratio: Annotated[float, within(0.5, 20)]
    tilt: Annotated[float, within(0.01, 0.99)]
    regularisation: Annotated[float, within(0.01, 10)]
    seed: Seed

    def check_together(self) -> None:
        if not 1e-100 <= self.epsilon < 1:
            raise UserError(
                f"epsilon must be above 0 and below 1, got {self.epsilon}: it is the factor that a mode shrinks by."
            )
        if self.final_bandwidth > self.sigma0:
            raise UserError(
                f"sigma_min must be at most sigma0, got {self.final_bandwidth:g} above {self.sigma0:g}: "
                "the annealing goes from wide to narrow. Lower sigma_min or raise sigma0."
            )
        flat, plane = (
            (self.modes, self.modes_2d) if self.dimension == 1 else (self.modes, max(self.modes, self.modes_2d))
        )
        self._fine_enough("grid", self.grid, flat, self.dimension == 1)
        self._fine_enough("grid_2d", self.grid_2d, plane, self.dimension == 2)
        between("grid", self.grid, 1, 65_536)
        between("grid_2d", self.grid_2d, 1, 1024)

    @property
    def final_bandwidth(self) -> float:
        """σ_min."""
        return math.sqrt(2) / self.modes if self.sigma_min is None else self.sigma_min

    def _fine_enough(self, key: str, grid: int, modes: int, annealed: bool) -> None:
        """Products of two modes must stay below the grid's highest frequency, and a kernel must span a few points."""
        lengths = {"bandwidth": self.bandwidth, "far_bandwidth": self.far_bandwidth}
        if annealed:
            lengths["sigma_min"] = self.final_bandwidth
        narrowest = min(lengths, key=lambda name: lengths[name])
        least = 2 * math.ceil(max(2 * modes, 3 / lengths[narrowest]))
        of = f"{modes} modes and {narrowest} {lengths[narrowest]:.4g}"
        cusp = 2 * math.ceil(_CUSP[key] / self.bandwidth / 2)
        if "laplace" in self.kernels and cusp > least:
            least, of = cusp, f"the cusp of the exponential kernel at bandwidth {self.bandwidth:.4g}"
        if grid < least:
            raise UserError(f"{key} is too coarse for {of}: got {grid}, the smallest sufficient value is {least}.")
