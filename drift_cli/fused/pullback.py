r"""First derivatives of the kernel means in closed form (ours), a block of rows at a time.

With the weights $w_{ij} = e^{\ell_j} k(x_i, y_j)/m_i$, a gradient $g_i$ arriving at $M_i$ and $\mu_i$ at $\log m_i$,

$$s_{ij} = w_{ij}\,\big(g_i\cdot(y_j - x_i - M_i) + \mu_i\big), \qquad
\bar\ell_j = \sum_i s_{ij}, \qquad
\bar x_i = \sum_j s_{ij} W_{ij}\,(y_j - x_i) - g_i, \qquad
\bar y_j = \sum_i w_{ij}\,g_i - s_{ij} W_{ij}\,(y_j - x_i),$$

where $W = -\varphi'/(r\varphi)$ is the kernel's weight. The values $M_i$ and $\log m_i$ are those of the forward pass,
so that nothing has to be summed twice. Points that coincide do not move each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.fused import eager
from drift_cli.kernels import Weighted

_PAIRS = 1 << 16  # in a block on the CPU, so that its few arrays stay in the cache
_DEVICE_PAIRS = 1 << 22
_UNDERFLOW = -80.0  # as in `eager`
_EXACT = "donot_use_mm_for_euclid_dist"  # by products a point is not at distance zero from itself, and W is large there


@dataclass(frozen=True)
class Wanted:
    """At which of the inputs a gradient is wanted."""

    x: bool
    y: bool
    log_weights: bool


@dataclass(frozen=True)
class Pullback:
    """Gradients at x [n, d], y [m, d] and the log weights [m]."""

    x: Float[Tensor, "n d"]
    y: Float[Tensor, "m d"]
    log_weights: Float[Tensor, " m"]


def pullback(
    kernel: Weighted,
    factors: list[float],
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "m d"],
    log_weights: Float[Tensor, " m"] | None,
    exclude_diagonal: bool,
    values: tuple[Float[Tensor, "f n d"], Float[Tensor, "f n"]],
    arriving: tuple[Float[Tensor, "f n d"], Float[Tensor, "f n"]],
    wanted: Wanted,
) -> Pullback:
    """The gradients of the module docstring, summed over `factors` times the bandwidth: the eager reference.

    `values` are M and log m of the forward pass, `arriving` what arrives at them. What is not wanted comes back empty.
    """
    centre = y.mean(dim=0)  # as in `eager`: sums of centred points keep their digits
    x, y = x - centre, y - centre
    found = Pullback(torch.zeros_like(x), torch.zeros_like(y), y.new_zeros(len(y)))
    for factor, shift, log_mass, g, mu in zip(factors, *values, *arriving, strict=True):
        constants = mu - (g * (x + shift)).sum(dim=1)
        _add(found, kernel.scaled(factor), x, y, log_weights, exclude_diagonal, log_mass, g, constants)
    return Pullback(
        x=found.x if wanted.x else found.x[:0],
        y=found.y if wanted.y else found.y[:0],
        log_weights=found.log_weights if wanted.log_weights else found.log_weights[:0],
    )


def _add(
    found: Pullback,
    kernel: Weighted,
    x: Tensor,
    y: Tensor,
    log_weights: Tensor | None,
    exclude_diagonal: bool,
    log_mass: Tensor,
    g: Tensor,
    constants: Tensor,
) -> None:
    """Add the gradients of one bandwidth, a block of rows at a time; `constants` are μ_i − g_i·(x_i + M_i)."""
    rows_at_once = max(1, (_PAIRS if x.device.type == "cpu" else _DEVICE_PAIRS) // len(y))
    for start in range(0, len(x), rows_at_once):
        rows = slice(start, start + rows_at_once)
        block = x[rows]
        away = [y[:, k] - block[:, k : k + 1] for k in range(y.shape[1])] if eager.is_direct(y) else None
        r = eager.norms(away) if away is not None else torch.cdist(block, y, compute_mode=_EXACT)
        logits = kernel.log_profile(r) - log_mass[rows, None]
        if log_weights is not None:
            logits += log_weights
        if exclude_diagonal:
            logits.diagonal(rows.start).fill_(-torch.inf)
        weights = logits.clamp_min_(_UNDERFLOW).exp_()
        scores = weights * torch.addmm(constants[rows, None], g[rows], y.T)
        found.y.addmm_(weights.T, g[rows])
        found.log_weights.add_(scores.sum(dim=0))
        _add_pulls(found, rows, torch.where(r > 0, scores * kernel.weight(r), 0.0), block, y, away)
        found.x[rows] -= g[rows]


def _add_pulls(
    found: Pullback, rows: slice, pulls: Tensor, block: Tensor, y: Tensor, away: list[Tensor] | None
) -> None:
    """Σ_j s_ij W_ij (y_j − x_i) into x, and its opposite over i into y."""
    if away is None:
        found.x[rows] += pulls @ y - pulls.sum(dim=1, keepdim=True) * block
        found.y.addmm_(pulls.T, block).sub_(pulls.sum(dim=0)[:, None] * y)
        return
    for k, differences in enumerate(away):
        moments = differences.mul_(pulls)
        found.x[rows, k] += moments.sum(dim=1)
        found.y[:, k] -= moments.sum(dim=0)
