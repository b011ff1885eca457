"""The kernels for which a law is checked, at bandwidth 1, and the dimensions."""

from __future__ import annotations

from drift_cli.kernels import Gaussian, Laplace, Matern32, Matern52, RationalQuadratic, Spectral

KERNELS: dict[str, Spectral] = {
    "gaussian": Gaussian(1.0),
    "laplace": Laplace(1.0),
    "matern32": Matern32(1.0),
    "matern52": Matern52(1.0),
    "rational_quadratic": RationalQuadratic(1.0, alpha=1.5),
}
DIMENSIONS = (1, 2)
