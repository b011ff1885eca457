r"""How much of a velocity field is curl: the antisymmetric share of its Jacobian,

$$\Big(\frac{\sum_i |A_i|_F^2}{\sum_i |J_i|_F^2}\Big)^{1/2}, \qquad A_i = \tfrac12(J_i - J_i^\top),
\qquad J_i = \partial V_i/\partial x_i,$$

0 for a gradient field, 1 for a rotation. A Wasserstein gradient flow has none: there $V = -\nabla\,\delta F/\delta
q$ at a fixed q. The converse does not hold: no curl at any fixed q does not make q ↦ V a gradient.
"""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

Field = Callable[[Tensor], Tensor]  # V at places [n][d]

_AGREEMENT = 0.05  # relative, of the Jacobians by two steps: above it the field has none, as it jumps


def jacobians(
    field: Field, x: Float[Tensor, "n d"], step: float, rows: list[int] | None = None
) -> Float[Tensor, "m d d"]:
    """∂V_i/∂x_i by central differences: of all places moved together, or of each of `rows` by itself.

    Together is 2d calls of `field`, and right where V_i depends on x_i alone.
    """
    groups = [slice(None)] if rows is None else [slice(row, row + 1) for row in rows]
    found = x.new_empty(len(x) if rows is None else len(rows), x.shape[1], x.shape[1])
    for k, group in enumerate(groups):
        target = slice(None) if rows is None else slice(k, k + 1)
        for axis in range(x.shape[1]):
            moved = x.clone()
            moved[group, axis] += step
            ahead = field(moved)[group]
            moved[group, axis] -= 2 * step
            found[target, :, axis] = (ahead - field(moved)[group]) / (2 * step)
    return found


def curl_fraction(jacobians: Float[Tensor, "m d d"]) -> float:
    """The antisymmetric share of the Jacobians together; NaN where all are zero."""
    antisymmetric = (jacobians - jacobians.transpose(1, 2)) / 2
    return float((antisymmetric.square().sum() / jacobians.square().sum()).sqrt())


def differentiable(jacobians: Float[Tensor, "m d d"], by_half_the_step: Float[Tensor, "m d d"]) -> bool:
    """Whether two steps give one Jacobian. A field that jumps, as one of sorted samples does, has none."""
    return bool((jacobians - by_half_the_step).norm() <= _AGREEMENT * jacobians.norm())
