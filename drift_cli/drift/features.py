"""The drift of features, pulled back to the points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from drift_cli.abilities import Abilities, abilities
from drift_cli.catalogue import find
from drift_cli.data import Target
from drift_cli.drift.base import AtFactors, Data, Field, Queries, Samples, SelfTerm
from drift_cli.drift.multi_temperature import Factors, Normalize, is_a_base
from drift_cli.features import KINDS, Encoder, groups
from drift_cli.kernels import Kernel
from drift_cli.ranks.pairs import mean_over_all, moments_over_all
from drift_cli.rules import one_of
from drift_cli.setting import Checked, Setting
from drift_cli.space import Fitting


@dataclass(frozen=True)
class Features(Checked):
    r"""The drift of feature groups $\varphi_g$ of images, pulled back to the points (Deng et al.'s feature drift):

    $$V(x) = \sum_g J_{\varphi_g}(x)^\top V_g(\varphi_g(x)), \qquad
    V_g = \sum_c \frac{V_{c\tau}}{\sqrt{\operatorname{mean}_i |V_{c\tau, i}|^2}}.$$

    Their loss is $L(x) = \sum_g |\varphi_g(x) - \mathrm{sg}(\varphi_g(x) + V_g)|^2$, whose gradient in x is
    $-2\sum_g J_{\varphi_g}^\top V_g = -2V(x)$: that of $|x - \mathrm{sg}(x + V(x))|^2$. So the common loss, with this
    drift, trains as theirs does; the values of the two losses differ, their gradients do not.

    φ are the maps of an encoder, divided into groups (`groups`), and with `points` also the points themselves. Each
    location of a map is a separate set. A group is divided by the root mean square distance between the queries and all
    data and samples, over all locations (Deng et al. use the mean distance, which needs every pair; ours needs only
    moments), so that the kernel's bandwidth is in units of this distance. `factors` multiply the bandwidth; with
    kernel=laplace and its bandwidth of 0.1 they are the paper's temperatures .02, .05 and .2. `normalize=none` sums the
    V_{cτ} as they are.

    Called like every drift, also for classes of one size together; each class has its own scales. `fitted` provides the
    maps of its encoder; it must be called first.
    """

    base: AtFactors
    encoder: Encoder
    groups: tuple[str, ...]
    points: bool
    factors: Factors
    normalize: bool
    maps: nn.Module | None = None
    of_images: ClassVar[bool] = True

    @classmethod
    def from_settings(
        cls,
        self_term: SelfTerm,
        encoder: Annotated[Encoder, Setting("encoder φ: a name or {name: …, setting: …}", group="encoder")],
        base: Annotated[str, Setting("the drift of each group", (is_a_base,))],
        groups: Annotated[
            tuple[str, ...],
            Setting("of each map: locations; mean and standard deviation over it", (partial(one_of, choices=KINDS),)),
        ],
        points: Annotated[bool, Setting("true: the points themselves are another group")],
        factors: Factors,
        normalize: Normalize,
    ) -> Features:
        return cls(find("drift", base)(self_term), encoder, groups, points, factors, normalize == "rms")

    @property
    def abilities(self) -> Abilities:
        return replace(
            abilities(self.base), differentiable=False, scales=False, capturable=False, constant_norm=self.normalize
        )

    @property
    def told(self) -> str:
        """Its name in a run's headline."""
        return f"features of {type(self.encoder).__name__}"

    @property
    def report(self) -> dict[str, Any]:
        """The encoder's report, by name."""
        return getattr(self.maps, "report", {})

    def fitted(self, target: Target, fitting: Fitting) -> Features:
        """The same drift with its encoder's maps for this data. Raises `UserError` for unsuitable data."""
        return replace(self, maps=self.encoder.fitted(target, fitting))

    def __call__(
        self, kernel: Kernel, x: Queries, data: Data, model: Samples, *, paired: bool, **weights: Tensor | None
    ) -> Field:
        if x.ndim == 2:
            one = {name: None if each is None else each.unsqueeze(0) for name, each in weights.items()}
            return self(kernel, x[None], data[None], model[None], paired=paired, **one)[0]
        with torch.enable_grad():
            moved = x.detach().requires_grad_(True)
            queries = self._features(moved)
            with torch.no_grad():
                positives = self._features(data)
                negatives = self._samples(queries, x, model, paired)
            total = moved.new_zeros(())
            for query, positive, negative in zip(queries, positives, negatives, strict=True):
                total = total + self._pull(kernel, query, positive, negative, paired, weights)
            return torch.autograd.grad(total, moved)[0]

    def _features(self, points: Float[Tensor, "c n d"]) -> list[Float[Tensor, "l c n k"]]:
        """Every group, [places, classes, samples, numbers]."""
        assert self.maps is not None, "drift=features must be fitted before it is called"
        flat = points.flatten(0, 1)
        found = [each.to(points.dtype) for each in groups(self.maps(flat), self.groups)]
        if self.points:
            found.append(flat.unsqueeze(0))
        return [each.unflatten(1, points.shape[:2]) for each in found]

    def _samples(self, queries: list[Tensor], x: Tensor, model: Tensor, paired: bool) -> list[Tensor]:
        """The groups of the model's samples, of which the queries are the first rows where they are paired."""
        if not paired:
            return self._features(model)
        known = [each.detach() for each in queries]
        if model.shape[1] == x.shape[1]:
            return known
        others = self._features(model[:, x.shape[1] :])
        return [torch.cat(pair, dim=2) for pair in zip(known, others, strict=True)]

    def _pull(
        self, kernel: Kernel, query: Tensor, positive: Tensor, negative: Tensor, paired: bool, weights: dict[str, Any]
    ) -> Tensor:
        r"""$\sum_i \varphi_g(x_i) \cdot V_g$ with V_g held fast: its gradient is the group's share of V."""
        with torch.no_grad():
            size = _distance(query, positive, negative)
            places = len(query)
            points, data, others = ((each / size).flatten(0, 1) for each in (query, positive, negative))
            repeated: dict[str, Any] = {
                name: None if each is None else each.repeat(places, 1) for name, each in weights.items()
            }
            drift = torch.zeros_like(query)
            for each in self.base.at_factors(kernel, self.factors, points, data, others, paired=paired, **repeated):
                apart = each.unflatten(0, query.shape[:2])
                drift = drift + (_unit(apart) if self.normalize else apart)
        return (query / size * drift).sum()


def _distance(query: Tensor, positive: Tensor, negative: Tensor) -> Float[Tensor, "1 c 1 1"]:
    r"""Root mean square distance of queries from data and samples, over all places: $|x-y|^2$ has the mean
    $|\bar x - \bar y|^2$ + the two variances."""
    others = torch.cat([positive, negative], dim=2)
    (at_queries, of_queries), (at_others, of_others) = moments_over_all((query, others), 2)
    between = (at_queries - at_others).square().sum(dim=2)
    within = of_queries.sum(dim=2) + of_others.sum(dim=2)
    size = (between + within).mean(dim=0).sqrt()
    return torch.where(size > 0, size, torch.ones_like(size))[None, :, None, None]


def _unit(drift: Float[Tensor, "l c n k"]) -> Float[Tensor, "l c n k"]:
    """Each class' drift over the root mean square of its length, over all places; nothing stays nothing."""
    size = mean_over_all(drift.square().sum(dim=3), (0, 2)).sqrt()
    return drift / torch.where(size > 0, size, torch.ones_like(size))[None, :, None, None]
