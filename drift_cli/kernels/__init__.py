"""Radial kernels, one file each."""

from __future__ import annotations

from drift_cli.kernels.base import Kernel, Weighted
from drift_cli.kernels.gaussian import Gaussian
from drift_cli.kernels.laplace import Laplace
from drift_cli.kernels.matern32 import Matern32
from drift_cli.kernels.matern52 import Matern52
from drift_cli.kernels.mixture import Mixture
from drift_cli.kernels.power import Power
from drift_cli.kernels.rational_quadratic import RationalQuadratic
from drift_cli.kernels.spectral import Spectral

__all__ = [
    "Gaussian",
    "Kernel",
    "Laplace",
    "Matern32",
    "Matern52",
    "Mixture",
    "Power",
    "RationalQuadratic",
    "Spectral",
    "Weighted",
]
