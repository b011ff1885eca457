"""Radial kernels, one file each; `build` makes the one that the settings name."""

from __future__ import annotations

from drift_cli.config import kernel as settings
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
    "build",
]


def build(config: settings.KernelConfig) -> Kernel:
    """The kernel of `kernel=…`, at its full bandwidth σ₀."""
    match config:
        case settings.MixtureConfig():
            components = tuple(_component(term, config.bandwidth) for term in config.components)
            return Mixture(config.bandwidth, components, tuple(term.weight for term in config.components))
        case settings.RationalQuadraticConfig():
            return RationalQuadratic(config.bandwidth, config.alpha)
        case settings.GaussianConfig():
            return Gaussian(config.bandwidth)
        case settings.LaplaceConfig():
            return Laplace(config.bandwidth)
        case settings.Matern32Config():
            return Matern32(config.bandwidth)
        case settings.Matern52Config():
            return Matern52(config.bandwidth)
    raise TypeError(f"no kernel is built from {type(config).__name__}")


def _component(term: settings.ComponentConfig, bandwidth: float) -> Kernel:
    length = term.factor * bandwidth
    if term.kernel == "rational_quadratic":
        return build(settings.RationalQuadraticConfig(bandwidth=length, alpha=term.alpha))
    return build(settings.KERNELS[term.kernel](bandwidth=length))
