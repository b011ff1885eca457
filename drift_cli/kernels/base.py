r"""A radial kernel $k(x, y) = \varphi(|x - y|)$ with $\varphi(0) = 1$, known by $\log\varphi$.

All code works with $\log\varphi$, so that distant points have a small weight instead of none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Protocol, Self, runtime_checkable

from torch import Tensor

from drift_cli.errors import UserError
from drift_cli.rules import between, positive
from drift_cli.setting import Checked, Setting

_AUTOMATIC = 0.1  # of the points that a point sees


def share_seen(key: str, word: str) -> float:
    """The share of the data that a point should see: `auto` is a tenth, `20%` a fifth. Raises `UserError` otherwise."""
    if word == "auto":
        return _AUTOMATIC
    if (found := re.fullmatch(r"(\d+(?:\.\d+)?) ?%", word)) and 1 <= float(found[1]) <= 90:
        return float(found[1]) / 100
    raise UserError(
        f'{key} must be of type float, got "{word}": give a number, or the share of the data that a point should see, '
        "from 1% to 90% (auto: 10%)."
    )


def _is_a_share(key: str, word: str) -> None:
    share_seen(key, word)


def _is_a_length(key: str, value: float) -> None:
    positive(key, value, f"give a length (the data has about unit size), e.g. {key}=0.1")


Bandwidth = Annotated[
    float,
    Setting(
        "a length (the data has about unit size); the schedule multiplies it; auto: determined from the data",
        (_is_a_length, partial(between, low=1e-9, high=1e9)),
        word=_is_a_share,
    ),
]


@runtime_checkable
class Kernel(Protocol):
    """A frozen object with a `bandwidth` (a length in the data's units) and a log profile."""

    @property
    def bandwidth(self) -> float: ...

    def log_profile(self, r: Tensor) -> Tensor:
        """log φ(r) for distances r ≥ 0, elementwise; log φ(0) = 0."""
        ...

    def scaled(self, factor: float) -> Self:
        """The same kernel at `factor` times its bandwidth."""
        ...


@dataclass(frozen=True)
class OfBandwidth(Checked):
    """A kernel whose profile is a function of r/bandwidth, a length in the data's units."""

    bandwidth: Bandwidth

    def scaled(self, factor: float) -> Self:
        return replace(self, bandwidth=factor * self.bandwidth)


@runtime_checkable
class Weighted(Kernel, Protocol):
    """A kernel whose profile has a slope in closed form."""

    def weight(self, r: Tensor) -> Tensor:
        """w(r) = −φ'(r)/(r φ(r)), so that ∇_x k = w k (y − x): constant only for the Gaussian kernel."""
        ...
