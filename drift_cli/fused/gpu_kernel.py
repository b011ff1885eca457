"""The loop for a GPU, in Triton: the sums of `mean.py` for a tile of queries, the points a tile at a time.

As on the CPU the largest exponent so far is taken out and the sums are rescaled when it grows; float32 stays float32
(no TF32). This module is imported where Triton is installed, and only when a tensor on a GPU asks for it.
"""

from __future__ import annotations

import triton
import triton.language as tl

_GAUSSIAN, _MATERN32, _MATERN52, _RATIONAL = (tl.constexpr(k) for k in (0, 2, 3, 4))  # the kinds of terms.py


@triton.jit
def exponent(squared, gap, kind: tl.constexpr, scale, alpha):
    """−exponent(r) of one term: at most 0."""
    if kind == _GAUSSIAN:
        return -squared * scale
    elif kind == _RATIONAL:
        return -alpha * tl.log(1.0 + squared * scale)
    else:
        return -gap * scale


@triton.jit
def prefactor(gap, kind: tl.constexpr, scale):
    """What multiplies the exponential; beyond 10⁶ the exponential is all that counts."""
    u = tl.minimum(gap * scale, 1e6)
    if kind == _MATERN32:
        return 1.0 + u
    elif kind == _MATERN52:
        return 1.0 + u + u * u / 3.0
    else:
        return u * 0.0 + 1.0


@triton.jit
def root(squared):
    """The rounded square root: the plain one of a float32 is approximate, and this one is not made for float64."""
    return tl.sqrt(squared) if squared.dtype == tl.float64 else tl.sqrt_rn(squared)


@triton.jit
def kernel_mean(
    x, y, log_weights, numbers, shift, log_mass,
    n, m,
    d: tl.constexpr, padded: tl.constexpr, kinds: tl.constexpr, term_count: tl.constexpr,
    weighted: tl.constexpr, exclude: tl.constexpr, mass_only: tl.constexpr, products: tl.constexpr,
    queries: tl.constexpr, points: tl.constexpr,
):  # fmt: skip
    """One tile of `queries` rows at one bandwidth (the second axis of the grid) of one class (the third).

    `numbers` [f, term, 3] are the terms' at each bandwidth; the classes lie one behind the other.

    Distances are sums of squared differences in every dimension. With `products` the weighted sum of the points is a
    matrix product (points centred by the caller), else a sum of differences for each coordinate.
    """
    numbers += tl.program_id(1) * term_count * 3
    own_class = tl.program_id(2).to(tl.int64)
    x += own_class * n * d
    y += own_class * m * d
    log_weights += own_class * m
    rows = tl.program_id(0) * queries + tl.arange(0, queries)
    axes = tl.arange(0, padded)
    real_row = rows < n
    real_axis = axes < d
    own = tl.load(x + rows[:, None] * d + axes[None, :], mask=real_row[:, None] & real_axis[None, :], other=0.0)

    top = tl.full([queries], float("-inf"), own.dtype)
    mass = tl.zeros([queries], own.dtype)
    sums = tl.zeros([queries, padded], own.dtype)
    for start in range(0, m, points):
        columns = start + tl.arange(0, points)
        real = columns < m
        squared = tl.zeros([queries, points], own.dtype)
        for k in range(d):
            mine = tl.load(x + rows * d + k, mask=real_row, other=0.0)
            theirs = tl.load(y + columns * d + k, mask=real, other=0.0)
            difference = mine[:, None] - theirs[None, :]
            squared = tl.fma(difference, difference, squared)
        gap = root(squared)
        there = real[None, :] & (rows[:, None] >= 0)
        if exclude:
            there = there & (columns[None, :] != rows[:, None])
        log_weight = tl.zeros([points], own.dtype)
        if weighted:
            log_weight = tl.load(log_weights + columns, mask=real, other=0.0)

        highest = top
        for t in tl.static_range(term_count):
            scale, alpha = tl.load(numbers + 3 * t), tl.load(numbers + 3 * t + 1)
            here = exponent(squared, gap, kinds[t], scale, alpha) + log_weight[None, :]
            highest = tl.maximum(highest, tl.max(tl.where(there, here, float("-inf")), axis=1))
        origin = tl.where(highest == float("-inf"), 0.0, highest)  # nothing but the query itself so far
        shrink = tl.exp(top - origin)
        weights = tl.zeros([queries, points], own.dtype)
        for t in tl.static_range(term_count):
            scale, alpha, share = tl.load(numbers + 3 * t), tl.load(numbers + 3 * t + 1), tl.load(numbers + 3 * t + 2)
            here = exponent(squared, gap, kinds[t], scale, alpha) + log_weight[None, :]
            # At most 0 but for rounding, which where exponents are huge is more than an exponential can take.
            relative = tl.exp(tl.minimum(here - origin[:, None], 0.0))
            weights += share * prefactor(gap, kinds[t], scale) * relative
        weights = tl.where(there, weights, 0.0)
        mass = mass * shrink + tl.sum(weights, axis=1)
        top = highest
        if not mass_only:
            sums = sums * shrink[:, None]
            if products:
                block = tl.load(
                    y + columns[:, None] * d + axes[None, :], mask=real[:, None] & real_axis[None, :], other=0.0
                )
                sums = tl.dot(weights, block, sums, input_precision="ieee", out_dtype=sums.dtype)
            else:
                for k in tl.static_range(d):
                    mine = tl.load(x + rows * d + k, mask=real_row, other=0.0)
                    theirs = tl.load(y + columns * d + k, mask=real, other=0.0)
                    moved = tl.sum(weights * (theirs[None, :] - mine[:, None]), axis=1)
                    sums += tl.where(axes[None, :] == k, moved[:, None], 0.0)

    at = (tl.program_id(1) * tl.num_programs(2) + own_class) * n + rows
    tl.store(log_mass + at, top + tl.log(mass), mask=real_row)
    if not mass_only:
        found = sums / mass[:, None]
        if products:
            found -= own
        tl.store(shift + at[:, None] * d + axes[None, :], found, mask=real_row[:, None] & real_axis[None, :])
