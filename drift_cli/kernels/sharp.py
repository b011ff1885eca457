r"""The sharp companion of a kernel (Franz et al. 2604.06333, as reconstructed):

$$k^\sharp(r) = \int_r^\infty s\,k(s)\,ds, \qquad \nabla_x k^\sharp(|x - y|) = k(|x - y|)\,(y - x),$$

so that the mean shift of k over the mass of $k^\sharp$ is a score. A Gaussian is its own companion, times σ²; a Matérn
kernel (Laplace has smoothness ½) has the next smoother one with the same decay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from drift_cli.errors import UserError
from drift_cli.kernels.base import Kernel


@dataclass(frozen=True)
class Companion:
    """k♯ = `height` · `kernel`; the profile is 1 at zero, as for every kernel; `height` is a squared length."""

    kernel: Kernel
    height: float


@runtime_checkable
class Companioned(Protocol):
    """A kernel whose companion has a closed form."""

    def companion(self) -> Companion:
        """k♯. Raises `UserError` if it is not finite."""
        ...


def companion(kernel: Kernel) -> Companion:
    """k♯ of a kernel. Raises `UserError` if it has no closed form or is not finite."""
    if not isinstance(kernel, Companioned):
        raise UserError(f"drift=sharp has no companion kernel for {type(kernel).__name__}: choose another kernel.")
    return kernel.companion()
