"""Settings of `drift spectral`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from omegaconf import MISSING

from drift_cli.errors import UserError
from drift_cli.rules import at_least, between, not_empty, one_of, positive

KERNELS = ("gaussian", "laplace", "matern32", "matern52", "rational_quadratic")

# Points times bandwidth from which sampling the exponential kernel's cusp costs less than 1e-4 (1-D) and 1e-3 (2-D) of
# a rate; the error falls as the square of the spacing.
_CUSP = {"grid": 200.0, "grid_2d": 24.0}


@dataclass
class SpectralConfig:
    """Lengths are in the units of a torus of period 2π; times are the flow's."""

    kernels: list[str] = MISSING
    bandwidth: float = MISSING
    alpha: float = MISSING
    dimensions: list[int] = MISSING
    modes: int = MISSING
    modes_2d: int = MISSING
    grid: int = MISSING
    grid_2d: int = MISSING
    amplitude: float = MISSING
    horizon: float = MISSING
    steps: int = MISSING
    far_bandwidth: float = MISSING
    particles: int = MISSING
    starts: int = MISSING
    dimension: int = MISSING
    epsilon: float = MISSING
    sigma0: float = MISSING
    sigma_min: float | None = None
    anneal_rate: float = MISSING
    follow: float = MISSING
    target_ratio: float = MISSING
    tilt: float = MISSING
    regularisation: float = MISSING
    seed: int = MISSING

    def __post_init__(self) -> None:
        not_empty("kernels", self.kernels)
        for name in self.kernels:
            one_of("kernels", name, KERNELS)
        for key in ("bandwidth", "far_bandwidth", "horizon", "sigma0", "anneal_rate", "follow"):
            positive(key, getattr(self, key))
        not_empty("dimensions", self.dimensions)
        for d in self.dimensions:
            between("dimensions", d, 1, 4096)
        between("alpha", self.alpha, 1.5, 1e3)
        between("modes", self.modes, 1, 1000)
        between("modes_2d", self.modes_2d, 1, 100)
        between("amplitude", self.amplitude, 1e-8, 0.1)
        between("steps", self.steps, 10, 10_000)
        between("particles", self.particles, 50, 20_000)
        between("starts", self.starts, 3, 1000)
        between("dimension", self.dimension, 1, 2)
        if not 1e-100 <= self.epsilon < 1:
            raise UserError(f"epsilon must be above 0 and below 1, got {self.epsilon}: it is what a mode shrinks to.")
        if self.sigma_min is not None:
            positive("sigma_min", self.sigma_min)
        if self.final_bandwidth > self.sigma0:
            raise UserError(
                f"sigma_min must be at most sigma0, got {self.final_bandwidth:g} above {self.sigma0:g}: "
                "the annealing goes from wide to narrow."
            )
        between("target_ratio", self.target_ratio, 0.5, 20)
        between("tilt", self.tilt, 0.01, 0.99)
        between("regularisation", self.regularisation, 0.01, 10)
        at_least("seed", self.seed, 0)
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
            raise UserError(f"{key} is too coarse for {of}: got {grid}, the smallest that will do is {least}.")
