r"""The sharp companion of a kernel (Franz et al. 2604.06333, as reconstructed):

$$k^\sharp(r) = \int_r^\infty s\,k(s)\,ds, \qquad \nabla_x k^\sharp(|x - y|) = k(|x - y|)\,(y - x),$$

so that the mean shift of k over the mass of $k^\sharp$ is a score. A Gaussian is its own companion, times σ²; a Matérn
kernel (Laplace has smoothness ½) has the next smoother one with the same decay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from drift_cli.errors import UserError
from drift_cli.kernels.base import Kernel
from drift_cli.kernels.gaussian import Gaussian
from drift_cli.kernels.laplace import Laplace
from drift_cli.kernels.matern32 import Matern32
from drift_cli.kernels.matern52 import Matern52
from drift_cli.kernels.matern72 import Matern72
from drift_cli.kernels.mixture import Mixture
from drift_cli.kernels.rational_quadratic import RationalQuadratic


@dataclass(frozen=True)
class Companion:
    """k♯ = `height` · `kernel`; the profile is 1 at zero, as for every kernel; `height` is a squared length."""

    kernel: Kernel
    height: float


def companion(kernel: Kernel) -> Companion:
    """k♯ of a kernel. Raises `UserError` if it has no closed form or is not finite."""
    match kernel:
        case Gaussian():
            return Companion(kernel, kernel.bandwidth**2)
        case Laplace():
            return Companion(Matern32(math.sqrt(3) * kernel.bandwidth), kernel.bandwidth**2)
        case Matern32():
            return Companion(Matern52(math.sqrt(5 / 3) * kernel.bandwidth), kernel.bandwidth**2)
        case Matern52():
            return Companion(Matern72(math.sqrt(7 / 5) * kernel.bandwidth), kernel.bandwidth**2)
        case RationalQuadratic():
            return _rational(kernel)
        case Mixture():
            parts = [companion(component) for component in kernel.components]
            shares = [weight * part.height for weight, part in zip(kernel.weights, parts, strict=True)]
            components = tuple(part.kernel for part in parts)
            height = math.fsum(shares) / math.fsum(kernel.weights)
            return Companion(replace(kernel, components=components, weights=tuple(shares)), height)
    raise UserError(f"drift=sharp has no companion kernel for {type(kernel).__name__}: choose another kernel.")


def _rational(kernel: RationalQuadratic) -> Companion:
    """One power less, the same decay: finite for α > 1."""
    if kernel.alpha <= 1:
        raise UserError(
            "drift=sharp needs kernel.alpha above 1, where the companion of a rational quadratic is finite, got "
            f"{kernel.alpha}."
        )
    height = kernel.bandwidth**2 * kernel.alpha / (kernel.alpha - 1)
    return Companion(RationalQuadratic(math.sqrt(height), kernel.alpha - 1), height)
