"""Rows of a finite set, drawn without repetition at the cost of the rows and not of the set."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Generator, Tensor

from drift_cli.data.noise import integers

_WHOLE = 8  # a set of at most so many times the rows wanted is shuffled whole: that costs no more


def distinct_rows(size: int, n: int, generator: Generator) -> Int[Tensor, " rows"]:
    """min(n, size) distinct numbers from 0 to size − 1, on the generator's device, a function of its state.

    Every ordered choice is equally likely, as of the first rows of a random permutation; exactly so of exactly even
    draws, and torch's are remainders of 32 random bits, uneven by size / 2³² of each probability at most. Time and
    memory are O(n log n), however large the set.
    """
    if size <= _WHOLE * n:
        return torch.randperm(size, generator=generator, device=generator.device)[:n]
    # Draws with replacement, the repeats drawn anew until there are none. What is done depends only on which draws
    # agree, so renumbering the rows changes no probability; and renumbering leads from any n distinct rows, in order,
    # to any others: all are equally likely.
    rows = integers(size, n, generator)
    while len(again := _repeats(rows)):
        rows[again] = integers(size, len(again), generator)
    return rows


def _repeats(rows: Int[Tensor, " n"]) -> Int[Tensor, " m"]:
    """Where a number stands that stands further ahead already."""
    values, order = rows.sort(stable=True)
    return order[1:][values[1:] == values[:-1]]
