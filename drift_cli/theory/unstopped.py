r"""The loss without stop-gradient near the target: each mode decays at λ², not λ (ours).

The target is uniform on the circle [0, 2π), so $V = -M_q$. To first order in the displacements u of equally spaced
particles, $V = -\Lambda u$ with the symmetric operator Λ of multipliers λ(k), all of it through the samples: as a field
V vanishes at q = p, so its derivative through the query is of second order. Descent of $\frac12\sum_i|V_i|^2$ is
$\dot u = -\Lambda^2u$ through the samples and through both, and zero through the query alone.
"""

from __future__ import annotations

import numpy as np
import torch

from drift_cli.fused import kernel_mean
from drift_cli.kernels import Kernel, Spectral
from drift_cli.theory import particle_rates, rates
from drift_cli.theory.torus_flow import PERIOD, images, runge_kutta


def direction(kernel: Kernel, x: np.ndarray, paths: str) -> np.ndarray:
    """How the particles x [n], which have hardly left [0, 2π), move: by V for `none`, else down ½ Σ|V|²."""
    if paths == "none":
        return particle_rates.velocity(kernel, x)
    at = torch.from_numpy(x)[:, None].requires_grad_()
    query, samples = (at if paths in (path, "both") else at.detach() for path in ("query", "samples"))
    reach = images(kernel, 1, nearest=0.0)
    copies = torch.cat([samples + PERIOD * image for image in range(-reach, reach + 1)])  # each copy moves with its own
    energy = 0.5 * kernel_mean(kernel, query, copies).shift.square().sum()
    return -torch.autograd.grad(energy, at)[0][:, 0].numpy()


def predicted(kernel: Spectral, modes: np.ndarray, paths: str) -> np.ndarray:
    """The rate of each mode [m] in the linear theory: λ for `none`, λ² for `samples` and `both`, 0 for `query`."""
    rate = kernel.rate(modes, 1)
    return {"none": rate, "query": np.zeros_like(rate), "samples": rate**2, "both": rate**2}[paths]


def instantaneous(kernel: Kernel, n: int, mode: int, amplitude: float, paths: str) -> float:
    """−d log|η̂|/dt of one mode at its start, from one evaluation of the direction."""
    x = particle_rates.quantiles(n, mode, amplitude)
    wave = np.exp(-1j * mode * x)
    change = (-1j * mode * direction(kernel, x, paths) * wave).mean()
    return -float((change / wave.mean()).real)


def along_flow(
    kernel: Kernel, n: int, mode: int, amplitude: float, paths: str, horizon: float = 1.0, steps: int = 4
) -> float:
    """The rate fitted to the mode along the flow (Runge–Kutta of order 4)."""
    x = particle_rates.quantiles(n, mode, amplitude)
    path = [particle_rates.coefficient(x, np.array([mode]))]
    for _ in range(steps):
        x = runge_kutta(lambda _, state: direction(kernel, state, paths), 0, x, horizon / steps)
        path.append(particle_rates.coefficient(x, np.array([mode])))
    return float(rates.decay(np.linspace(0, horizon, steps + 1), np.array(path))[0][0])
