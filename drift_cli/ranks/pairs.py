r"""Sums over all pairs where every process holds its share of the rows of every set.

Within `together` a process sees its own queries, its own data and its own samples, and `drift_cli.fused` sums over the
points of all processes. So an operator that is made of such sums, of what is a query's own, and of the means below is
the operator of the whole batch, without a word about processes. There are two exchanges with the same result:

- `gather`: the points of all are collected, each set once, and met by one pass. Memory: the whole set.
- `ring`: blocks of points pass from rank to rank while the sums stay. Of two disjoint sets of points,
  $\log m = \log(m_1 + m_2)$ and $M = (m_1 M_1 + m_2 M_2)/m$. Memory: the own block and two that travel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from torch import Tensor

from drift_cli.ranks.group import Ranks

Sums = Callable[[Tensor, Tensor, Tensor | None, bool], tuple[Tensor, Tensor]]  # shifts and log masses of x, y, ℓ


@dataclass(frozen=True)
class Together:
    """The processes, and the sets that a step has collected already, by the place of a process' own rows.

    `totals`: how many rows the sets have in all, so that nobody has to ask; none where they may have any number.
    """

    ranks: Ranks
    totals: frozenset[int] = frozenset()
    collected: dict[tuple, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def know(self, whole: Tensor) -> Tensor:
        """This process' rows of a set that every process has, so that nobody needs to send it."""
        share = self.ranks.share(len(whole))
        own = whole[share]
        if self.ranks.exchange == "gather":
            self.collected[_place(own)] = own, whole.roll(-share.start, 0)
        return own

    def collect(self, own: Tensor, dim: int) -> Tensor:
        """The rows of all, this process' own first; each set once."""
        if own.requires_grad:
            return self._own_first(own, dim)
        place = _place(own)
        if place not in self.collected:
            self.collected[place] = (
                own,
                self._own_first(own, dim),
            )  # with `own`, so that nothing else comes to its place
        return self.collected[place][1]

    def sums(
        self, of_points: Sums, x: Tensor, y: Tensor, weights: Tensor | None, exclude: bool
    ) -> tuple[Tensor, Tensor]:
        """`of_points` over the points of all processes; `exclude` leaves out row i of this one's own for its query i.

        Raises `ValueError` for points that carry gradient in a ring, where no gradient returns to the sender.
        """
        if self.ranks.exchange == "gather":
            every = None if weights is None else self.collect(weights, -1)
            return of_points(x, self.collect(y, -2), every, exclude)
        if y.requires_grad or (weights is not None and weights.requires_grad):
            raise ValueError("points that pass from process to process carry no gradient: use exchange=gather")
        shifts, masses = of_points(x, y, weights, exclude)
        own = (y,) if weights is None else (y, weights.unsqueeze(-1))
        for points, *theirs in self.ranks.passing(own, -2, self.lengths(y, -2)):
            others = of_points(x, points, theirs[0].squeeze(-1) if theirs else None, False)
            both = torch.logaddexp(masses, others[1])
            if shifts.shape[-2]:  # none where the masses alone are asked for
                kept, new = ((each - both).exp().unsqueeze(-1) for each in (masses, others[1]))
                shifts = kept * shifts + new * others[0]
            masses = both
        return shifts, masses

    def lengths(self, own: Tensor, dim: int) -> list[int]:
        """How many rows of the set each process has. Raises `ValueError` for a set of another total than it should
        have."""
        shares = [self.ranks.shares(total) for total in self.totals]
        if not shares or any(len(set(of_all)) < len(shares) for of_all in zip(*shares, strict=True)):
            return self.ranks.lengths(own, dim)  # a length could be of either
        for each in shares:
            if each[self.ranks.rank] == own.shape[dim]:
                return each
        raise ValueError(f"processes share sets of {sorted(self.totals)} rows, got {own.shape[dim]} of another one")

    def _own_first(self, own: Tensor, dim: int) -> Tensor:
        parts = self.ranks.parts(own, dim, self.lengths(own, dim))
        return torch.cat([*parts[self.ranks.rank :], *parts[: self.ranks.rank]], dim)


_together: ContextVar[Together | None] = ContextVar("together", default=None)


def current() -> Together | None:
    """None where this process has all rows itself."""
    return _together.get()


@contextmanager
def together(ranks: Ranks, *totals: int) -> Iterator[Together]:
    """Within, every set of points is this process' share of the rows, of which there are so many in all."""
    here = Together(ranks, frozenset(totals))
    token = _together.set(here)
    try:
        yield here
    finally:
        _together.reset(token)


def sum_over_all(values: Tensor) -> Tensor:
    """The sum over the processes of what each has; without derivatives where there are several."""
    if (here := current()) is None:
        return values
    summed = values.detach().clone()
    here.ranks.add([summed])
    return summed


def rows_of_all(points: Tensor) -> int:
    """How many rows the set has in all processes."""
    return points.shape[-2] if (here := current()) is None else sum(here.lengths(points, -2))


def mean_over_all(values: Tensor, dim: int | tuple[int, ...], *, keepdim: bool = False) -> Tensor:
    """The mean over these dimensions, among them the rows, and over the rows of all processes."""
    mean = values.mean(dim=dim, keepdim=keepdim)
    if current() is None:
        return mean
    count = values.numel() / max(mean.numel(), 1)
    summed = sum_over_all(torch.cat([count * mean.reshape(-1), mean.new_full((1,), count)]))
    return (summed[:-1] / summed[-1]).view_as(mean)


def moments_over_all(sets: Sequence[Tensor], dim: int) -> list[tuple[Tensor, Tensor]]:
    """The mean of each set along `dim`, and its mean square distance from it, over the rows of all processes.

    What is summed are means and mean squares, in float64, where their difference loses no digit that counts.
    """
    own = [(each.mean(dim=dim), each.var(dim=dim, correction=0)) for each in sets]
    if current() is None:
        return own
    parts = [
        each.shape[dim] * torch.stack([torch.ones_like(mean), mean, variance + mean.square()]).double()
        for each, (mean, variance) in zip(sets, own, strict=True)
    ]
    summed = sum_over_all(torch.cat([part.reshape(-1) for part in parts]))
    found = []
    for part, total in zip(parts, summed.split([part.numel() for part in parts]), strict=True):
        count, first, second = total.view_as(part)
        mean, square = first / count, second / count
        found.append((mean.to(sets[0].dtype), (square - mean.square()).clamp(min=0).to(sets[0].dtype)))
    return found


def _place(rows: Tensor) -> tuple:
    return rows.data_ptr(), tuple(rows.shape), rows.stride(), rows.dtype, rows.device
