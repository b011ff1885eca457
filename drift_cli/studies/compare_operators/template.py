r"""The claims of §6.3 of Turan & Ovsjanikov on a drift $V_i = -N\,\partial_{x_i} D$ of a discrepancy D, on small
clouds.

Its condition (c) is D ≥ 0 with D = 0 at q = p alone, which is to guarantee descent instead of anti-symmetry,
$V_{p,q} = -V_{q,p}$. Its instance is the Sinkhorn divergence (eqs. 36, 37; I.4), $V = T_{q\to p} - T_{q\to q}$.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli import drift
from drift_cli.config.objects import Settings
from drift_cli.data import target_of
from drift_cli.discrepancy import SinkhornDivergence, SmoothedKl
from drift_cli.discrepancy.sinkhorn import dual_value
from drift_cli.drift import FromDiscrepancy, Random, Sinkhorn
from drift_cli.errors import RunFailed
from drift_cli.studies.compare_operators.fields import mean_norm, to_the_end
from drift_cli.studies.compare_operators.runs import start_distribution
from drift_cli.studies.compare_operators.settings import OperatorConfig
from drift_cli.studies.training import plain
from drift_cli.training.streams import stream
from drift_cli.transport import Coupling, couple

_PARTICLES = 24  # of the courses, against as many points of data
_FEW = (8, 12)  # of those, where every coordinate is moved by itself
_STEP = 1e-4  # of the central differences, in float64
_CONVERGED, _NEARLY = 1e-9, 1e-5  # marginal error: of single plans; of courses, whose D is off by its square
_SHORT, _LONG = 0.02, 10.0  # the way of the fastest particle in the first step, in spreads of the data
_STEPS = 20
_PAIRS, _SIZES, _APART = 40, range(2, 7), (1.0, 1e-1, 1e-2, 1e-3)  # small clouds, and how far from each other

Value = Callable[[Tensor, Tensor], Tensor]  # D of samples of q and of p
Field = Callable[[Tensor, Tensor], Tensor]  # V at the samples of q


@dataclass(frozen=True)
class Template:
    """One operator, x of the standard start and y of the target in float64. What is random is held."""

    operator: OperatorConfig
    dataset: Settings
    seed: int

    def asked(self) -> dict[str, Any]:
        return {"operator": plain(self.operator), "dataset": plain(self.dataset), "seed": self.seed}

    def made(self, unfinished: Path) -> dict[str, float]:
        """Numbers by name; of an operator only those that can be asked of it, and that are finite."""
        torch.set_num_threads(1)
        x, others = self._start("standard", 2 * _PARTICLES).split(_PARTICLES)
        y = target_of(self.dataset.made()).sample(_PARTICLES, stream(self.seed, "data", 1), torch.float64).points
        found = self._asymmetry(x, y, others)
        value, field = self._value(_NEARLY), self._field(_NEARLY)
        if value is not None:
            centre = self._start("far", _PARTICLES).mean(dim=0).expand(_PARTICLES, -1)
            for measure in (partial(descent, value, field), partial(far, value, field, centre)):
                try:
                    found |= measure(x, y)
                except RunFailed:  # D is no longer finite, as a ratio of densities is not far from the data
                    continue
        used = self._drift(_CONVERGED)
        if isinstance(used, Sinkhorn):
            exact, n, m = self._value(_CONVERGED), *_FEW
            assert exact is not None
            found |= gradient(exact, self._field(_CONVERGED), used.epsilon, x[:n], y[:m])
            found |= definiteness(exact, used.epsilon, y, stream(self.seed, "sample", 1))
        return {name: number for name, number in found.items() if math.isfinite(number)}

    def _start(self, start: str, n: int) -> Tensor:
        begins = start_distribution(start, self.dataset)
        assert begins is not None
        return target_of(begins.made()).sample(n, stream(self.seed, "initial", 2), torch.float64).points

    def _drift(self, tol: float) -> drift.Drift:
        used = to_the_end(self.operator.drift, tol).made()
        return used.drawing_from(stream(self.seed, "drift", 0)) if isinstance(used, Random) else used

    def _field(self, tol: float) -> Field:
        kernel = self.operator.kernel.made()
        return lambda x, y: self._drift(tol)(kernel, x, y, x, paired=True)

    def _value(self, tol: float) -> Value | None:
        """D, where the drift is one of a discrepancy. With its noise held the smoothed KL is none: it may be < 0."""
        kernel, used = self.operator.kernel.made(), self._drift(tol)
        if isinstance(used, Sinkhorn):
            discrepancy: Any = SinkhornDivergence(used.epsilon, used.tol, used.max_iter)
        elif isinstance(used, FromDiscrepancy) and not isinstance(used.discrepancy, SmoothedKl):
            discrepancy = used.discrepancy
        else:
            return None
        return lambda x, y: discrepancy(kernel, x, y, stream(self.seed, "drift", 0))

    def _asymmetry(self, x: Tensor, y: Tensor, at: Tensor) -> dict[str, float]:
        """Mean |V_pq + V_qp| over mean |V_pq| + mean |V_qp|, at places of their own: 0 where V is anti-symmetric."""
        kernel = self.operator.kernel.made()
        try:
            ahead, back = (
                self._drift(_CONVERGED)(kernel, at, to, model, paired=False) for to, model in ((y, x), (x, y))
            )
        except ValueError:  # known at the samples themselves only
            return {}
        return {"asymmetry": mean_norm(ahead + back) / (mean_norm(ahead) + mean_norm(back))}


def descent(value: Value, field: Field, x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> dict[str, float]:
    """The largest rise of D over short steps x ← x + ηV, what is left of D, and its rise by one long step; over D."""
    spread = float((y - y.mean(dim=0)).square().sum(dim=1).mean().sqrt())
    v, begun = field(x, y), float(value(x, y))
    length = spread / float(v.norm(dim=1).max())
    values, z = [begun], x
    for _ in range(_STEPS):
        z = z + _SHORT * length * field(z, y)
        values.append(float(value(z, y)))
    return {
        "rise": max(after - before for before, after in pairwise(values)) / begun,
        "left": values[-1] / begun,
        "long_rise": (float(value(x + _LONG * length * v, y)) - begun) / begun,
    }


def far(
    value: Value, field: Field, away: Float[Tensor, "n d"], x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]
) -> dict[str, float]:
    """Mean |V| and D of the samples `away` over those of x."""
    return {
        "far_drift": mean_norm(field(away, y)) / mean_norm(field(x, y)),
        "far_value": float(value(away, y) / value(x, y)),
    }


def gradient(
    value: Value, field: Field, epsilon: float, x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]
) -> dict[str, float]:
    """V against −N ∂S/∂x_i by central differences of S (eq. 36), relative; and T_{q→p}(x) − x, which is no such."""
    expected = torch.empty_like(x)
    for index in range(x.numel()):
        moved = torch.zeros_like(x)
        moved.view(-1)[index] = _STEP
        change = value(x + moved, y) - value(x - moved, y)
        expected.view(-1)[index] = -len(x) * change / (2 * _STEP)
    found = {"gradient_error": field(x, y), "plain_gradient_error": _plan(x, y, epsilon).shift(x)}
    return {name: float((v - expected).norm() / expected.norm()) for name, v in found.items()}


def definiteness(value: Value, epsilon: float, y: Float[Tensor, "m d"], generator: Generator) -> dict[str, float]:
    r"""S of random pairs $(x, x')$, the least over the cost $\frac1{2N}\sum_i|x_i - x_i'|^2$, and |S(p, p)|/OT(p, p).

    The plain cost is not 0 there, and least elsewhere: what it falls by, as a share, in one step $y \leftarrow T(y)$.
    """
    spread, ratios = float(y.std()), []
    for pair in range(_PAIRS):
        shape = (2, _SIZES[pair % len(_SIZES)], y.shape[1])
        x, gap = spread * torch.randn(shape, generator=generator, dtype=y.dtype)
        gap = _APART[pair // len(_SIZES) % len(_APART)] * gap
        ratios.append(float(value(x, x + gap) / gap.square().sum(dim=1).mean() * 2))
    at_equality = _plan(y, y, epsilon)
    cost, moved = float(dual_value(y, y, at_equality)), y + at_equality.shift(y)
    fallen = cost - float(dual_value(moved, y, _plan(moved, y, epsilon)))
    return {"least": min(ratios), "self_value": abs(float(value(y, y))) / cost, "plain_fall": fallen / cost}


def _plan(x: Tensor, y: Tensor, epsilon: float) -> Coupling:
    return couple(x, y, epsilon, tol=_CONVERGED, max_iter=20_000)
