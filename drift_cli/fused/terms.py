r"""A kernel as numbers: the sum of terms that the native loops and the GPU kernel understand.

A term is (kind, bandwidth, alpha, weight); `alpha` is read by the rational quadratic alone. Other kernels (a user's
own, a power of a Matérn) have no terms and use the eager path.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from drift_cli.kernels import Gaussian, Kernel, Laplace, Matern32, Matern52, Mixture, Power, RationalQuadratic, Weighted

GAUSSIAN, LAPLACE, MATERN32, MATERN52, RATIONAL = range(5)
_KINDS: dict[type, int] = {Gaussian: GAUSSIAN, Laplace: LAPLACE, Matern32: MATERN32, Matern52: MATERN52}
MOST_TERMS = 16  # of one mixture, in the native loops


@dataclass(frozen=True)
class Term:
    """`kind` is one of the five numbers above, `weight` the share of φ at zero."""

    kind: int
    bandwidth: float
    alpha: float
    weight: float

    @property
    def scale(self) -> float:
        """What the loops multiply r (or r², for the first and the last kind) by."""
        match self.kind:
            case 0:
                return 0.5 / self.bandwidth**2
            case 1:
                return 1 / self.bandwidth
            case 2:
                return math.sqrt(3) / self.bandwidth
            case 3:
                return math.sqrt(5) / self.bandwidth
        return 0.5 / (self.alpha * self.bandwidth**2)


def scale_at(term: Term, factor: float) -> float:
    """The term's scale at `factor` times its bandwidth."""
    return term.scale / (factor**2 if term.kind in (GAUSSIAN, RATIONAL) else factor)


def terms_of(kernel: Kernel) -> tuple[Term, ...] | None:
    """The kernel's terms, or None where it has none."""
    if type(kernel) in _KINDS:
        return (Term(_KINDS[type(kernel)], kernel.bandwidth, 1.0, 1.0),)
    match kernel:
        case RationalQuadratic():
            return (Term(RATIONAL, kernel.bandwidth, kernel.alpha, 1.0),)
        case Power():
            return _power(kernel)
        case Mixture():
            total = math.fsum(kernel.weights)
            parts = [terms_of(component) for component in kernel.components]
            if any(part is None for part in parts):
                return None
            weighted = tuple(
                Term(term.kind, term.bandwidth, term.alpha, term.weight * weight / total)
                for part, weight in zip(parts, kernel.weights, strict=True)
                for term in part or ()
            )
            return weighted if len(weighted) <= MOST_TERMS else None
    return None


def _power(kernel: Power) -> tuple[Term, ...] | None:
    """A power of a Gaussian, a Laplace or a rational quadratic is one of its own kind."""
    p, base = kernel.exponent, kernel.base
    match base:
        case Gaussian():
            return (Term(GAUSSIAN, base.bandwidth / math.sqrt(p), 1.0, 1.0),)
        case Laplace():
            return (Term(LAPLACE, base.bandwidth / p, 1.0, 1.0),)
        case RationalQuadratic():
            return (Term(RATIONAL, base.bandwidth / math.sqrt(p), base.alpha * p, 1.0),)
    return None


def kernel_of(terms: tuple[Term, ...]) -> Weighted:
    """The kernel that the terms are of: the inverse of `terms_of`, up to how powers are written."""
    if len(terms) == 1 and terms[0].weight == 1.0:
        return _single(terms[0])
    return Mixture(1.0, tuple(map(_single, terms)), tuple(term.weight for term in terms))


def _single(term: Term) -> Weighted:
    if term.kind == RATIONAL:
        return RationalQuadratic(term.bandwidth, term.alpha)
    return (Gaussian, Laplace, Matern32, Matern52)[term.kind](term.bandwidth)
