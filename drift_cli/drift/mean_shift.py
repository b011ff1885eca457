"""The mean-shift drift."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

from jaxtyping import Float
from torch import Tensor

from drift_cli.abilities import Abilities
from drift_cli.drift.balance import balanced
from drift_cli.drift.base import AtFactors, Data, Queries, Samples
from drift_cli.fused import kernel_means
from drift_cli.kernels import Kernel
from drift_cli.ranks.pairs import rows_of_all, sum_over_all
from drift_cli.rules import one_of
from drift_cli.setting import Checked, Setting


@dataclass(frozen=True)
class MeanShift(Checked, AtFactors):
    r"""The mean-shift drift (Deng et al.; Turan & Ovsjanikov, eq. 4 as reconstructed):

    $$V(x) = M_p(x) - M_q(x), \qquad M_q(x) = \frac{\sum_l k(x, x_l)\,(x_l - x)}{\sum_l k(x, x_l)}.$$

    With a Gaussian kernel of bandwidth $\sigma$ it equals $\sigma^2(\nabla\log p_\sigma - \nabla\log q_\sigma)$ for the
    smoothed empirical measures. A query that counts itself (`include`) is repelled less, by the share of its own
    weight: biased toward contraction, stable. Excluding it (`exclude`) is unbiased at q = p and pushes outliers away
    from their nearest neighbour. `balanced` counts the query among the data as well, with a weight that both sides
    share (`balance.py`): unbiased at q = p, and stable in many dimensions near the data.

    `V(kernel, x, data, model, paired=…)` takes queries [n, d], data [m, d] and the model's samples [l, d] of one dtype
    and device, and returns [n, d], a length. `paired`: row i of x and of `model` are one sample, which `self_term`
    excludes unless it is `include`. `log_weights` [l] belong to the samples; rows beyond the queries are then further
    points with their own weights, as used by guidance (`guidance.py`).
    """

    self_term: Annotated[
        str,
        Setting(
            "whether a generated sample counts itself among the model's samples; balanced: among the data too",
            (partial(one_of, choices=("include", "exclude", "balanced")),),
        ),
    ]
    abilities: ClassVar[Abilities] = Abilities(
        differentiable=True, scales=True, capturable=True, batched=True, weighted=True, shareable=True
    )

    def at_factors(
        self,
        kernel: Kernel,
        factors: tuple[float, ...],
        x: Queries,
        data: Data,
        model: Samples,
        *,
        paired: bool,
        log_weights: Float[Tensor, "*c l"] | None = None,
    ) -> list[Tensor]:
        """V at each factor of the bandwidth, in one pass over the pairs."""
        attraction = kernel_means(kernel, factors, x, data)
        masked = paired and self.self_term != "include"
        repulsion = kernel_means(kernel, factors, x, model, log_weights=log_weights, exclude_diagonal=masked)
        means = zip(attraction, repulsion, strict=True)
        if self.self_term == "balanced":
            weights = model.new_zeros(model.shape[-2]) if log_weights is None else log_weights
            others = sum_over_all(weights.exp().sum(dim=-1, keepdim=True)) - int(masked)
            return [balanced(pull, push, rows_of_all(data), others) for pull, push in means]
        return [pull.shift - push.shift for pull, push in means]
