r"""The loss E|V|² on minibatches, at the truth and at a collapsed state: both fall as 1/N (ours). In the population
limit both are zero. Of N particles against N data, both drawn from p, each mean shift carries the error of a
self-normalised mean (`self_normalised.py`): with $\rho(x) = \mathbb E[k^2]/\mathbb E[k]^2$ and $\pi_2 \propto k^2 p$,
and to leading order where the effective sample size $N/\rho$ is large,

$$N\,\mathbb E|V|^2 \to 2\,\mathbb E_x\big[\rho(x)\,\mathbb E_{\pi_2}|y - x - M_p(x)|^2\big]\ \text{at}\ q = p, \qquad
N\,\mathbb E|V|^2 \to \rho(x^*)\,\mathbb E_{\pi_2}|y - x^*|^2\ \text{where all are at}\ x^*:$$

particles in one place see no noise of their own, and a mode is where the data are densest. So the collapsed state has
the lower loss at every batch size. p is here the empirical measure of a large sample, and batches are drawn from it
with replacement, so that $x^*$ and the constants are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli.drift import MeanShift
from drift_cli.fused.eager import row_blocks
from drift_cli.kernels import Kernel

_QUERIES = 512  # particles at which |V|² is averaged in each batch; they are exchangeable, and the rest still repel


@dataclass(frozen=True)
class Constants:
    """Limits of N·E|V|², and the mean ρ: of the truth over its queries, and at the collapsed state."""

    truth: float
    collapsed: float
    rho_truth: float
    rho_collapsed: float


def predicted(
    kernel: Kernel, population: Float[Tensor, "m d"], queries: Float[Tensor, "n d"], place: Float[Tensor, " d"]
) -> Constants:
    """The formulas above, with the mean over `queries` from the population and the collapsed state at `place`."""
    noise, rho = noise_and_rho(kernel, population, queries)
    noise_there, rho_there = noise_and_rho(kernel, population, place[None])
    return Constants(2 * float(noise.mean()), float(noise_there[0]), float(rho.mean()), float(rho_there[0]))


def noise_and_rho(
    kernel: Kernel, population: Float[Tensor, "m d"], x: Float[Tensor, "n d"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """N times the variance of the mean shift estimated from N of the population, and ρ, at x.

    With kernel weights $a_j$ of the whole population, $\\sum_j a_j = 1$, they are $m\\sum_j a_j^2|y_j - x - M|^2$ and
    $m\\sum_j a_j^2$.
    """
    parts = []
    for rows in row_blocks(x):
        r = torch.cdist(x[rows], population, compute_mode="donot_use_mm_for_euclid_dist")
        weights = torch.softmax(kernel.log_profile(r), dim=1)
        spread = torch.cdist(weights @ population, population, compute_mode="donot_use_mm_for_euclid_dist").square()
        squares = len(population) * weights.square()
        parts.append(torch.stack([(squares * spread).sum(dim=1), squares.sum(dim=1)]))
    noise, rho = torch.cat(parts, dim=1)
    return noise, rho


def at_truth(
    kernel: Kernel, population: Float[Tensor, "m d"], size: int, draws: int, generator: Generator
) -> Float[Tensor, " draws"]:
    """Mean |V|² of `size` particles against as many data, both drawn from the population, once per draw."""
    drift = MeanShift("include")
    values = []
    for _ in range(draws):
        x, data = (_drawn(population, size, generator) for _ in range(2))
        values.append(drift(kernel, x[:_QUERIES], data, x, paired=False).square().sum(dim=1).mean())
    return torch.stack(values)


def at_collapse(
    kernel: Kernel,
    population: Float[Tensor, "m d"],
    place: Float[Tensor, " d"],
    size: int,
    draws: int,
    generator: Generator,
) -> Float[Tensor, " draws"]:
    """The same with all particles at `place`, where each is as good as all: they do not repel each other."""
    drift, x = MeanShift("include"), place[None]
    values = [drift(kernel, x, _drawn(population, size, generator), x, paired=True) for _ in range(draws)]
    return torch.cat(values).square().sum(dim=1)


def _drawn(population: Tensor, size: int, generator: Generator) -> Tensor:
    return population[torch.randint(len(population), (size,), generator=generator)]
