"""The derivatives of `pullback.py` for a GPU, in Triton: a tile of queries meets a tile of points, twice.

The gradient at a query is a sum over the points, that at a point (and at its log weight) a sum over the queries. Each
tile of the ones is summed by one program, which takes the others a tile at a time and in one order: no atomics, so the
bits do not depend on the scheduling. Imported as `gpu_kernel` is.
"""

from __future__ import annotations

import triton
import triton.language as tl

from drift_cli.fused.gpu_kernel import exponent, prefactor, root

_GAUSSIAN, _LAPLACE, _MATERN32, _MATERN52 = (tl.constexpr(k) for k in range(4))  # the kinds of terms.py


@triton.jit
def term_weight(squared, gap, kind: tl.constexpr, scale, alpha):
    """W = −φ'/(rφ) of one term; where points coincide, any finite number."""
    if kind == _GAUSSIAN:
        return tl.zeros_like(gap) + 2.0 * scale
    elif kind == _LAPLACE:
        return scale / tl.where(gap > 0.0, gap, 1.0)
    elif kind == _MATERN32:
        return scale * scale / (1.0 + gap * scale)
    elif kind == _MATERN52:
        u = gap * scale
        return scale * scale * (1.0 + u) / (3.0 + u * (3.0 + u))
    else:
        return 2.0 * alpha * scale / (1.0 + squared * scale)


@triton.jit
def pairs(
    x, y, log_weights, numbers, log_mass, mass_gradient, shift, shift_gradient,
    rows, columns, n, m,
    d: tl.constexpr, kinds: tl.constexpr, term_count: tl.constexpr,
    weighted: tl.constexpr, exclude: tl.constexpr, mass_only: tl.constexpr, own: tl.constexpr, others: tl.constexpr,
):  # fmt: skip
    """w_ij, s_ij and s_ij W_ij of queries `rows` and points `columns`: tiles [own, others], 0 where there is no pair.

    One of the two is [own, 1] and the other [1, others]: the tile lies either way. Distances and the scores
    g·(y − x − M) are sums over differences of coordinates in every dimension.
    """
    real_row, real_column = rows < n, columns < m
    squared = tl.zeros([own, others], x.dtype.element_ty)
    score = squared + tl.load(mass_gradient + rows, mask=real_row, other=0.0)
    for k in range(d):
        mine = tl.load(x + rows * d + k, mask=real_row, other=0.0)
        theirs = tl.load(y + columns * d + k, mask=real_column, other=0.0)
        away = theirs - mine
        squared = tl.fma(away, away, squared)
        if not mass_only:
            moved = tl.load(shift + rows * d + k, mask=real_row, other=0.0)
            pull = tl.load(shift_gradient + rows * d + k, mask=real_row, other=0.0)
            score += pull * (away - moved)
    gap = root(squared)
    there = real_row & real_column
    if exclude:
        there = there & (columns != rows)
    log_weight = tl.zeros_like(squared)
    if weighted:
        log_weight += tl.load(log_weights + columns, mask=real_column, other=0.0)
    whole = tl.load(log_mass + rows, mask=real_row, other=0.0)

    weights = tl.zeros_like(squared)
    steep = tl.zeros_like(squared)  # w W, term by term
    for t in tl.static_range(term_count):
        scale, alpha, share = tl.load(numbers + 3 * t), tl.load(numbers + 3 * t + 1), tl.load(numbers + 3 * t + 2)
        here = exponent(squared, gap, kinds[t], scale, alpha) + log_weight
        # With its share a term is part of the mass, so this is at most 0 but for rounding, as in the forward pass.
        relative = tl.exp(tl.minimum(here - whole + tl.log(share), 0.0))
        part = prefactor(gap, kinds[t], scale) * relative
        weights += part
        steep += part * term_weight(squared, gap, kinds[t], scale, alpha)
    scores = tl.where(there, weights * score, 0.0)
    pulls = tl.where(there & (gap > 0.0), steep * score, 0.0)  # points that coincide do not move each other
    return tl.where(there, weights, 0.0), scores, pulls


@triton.jit
def query_gradient(
    x, y, log_weights, numbers, log_mass, mass_gradient, shift, shift_gradient, found,
    n, m,
    d: tl.constexpr, padded: tl.constexpr, kinds: tl.constexpr, term_count: tl.constexpr,
    weighted: tl.constexpr, exclude: tl.constexpr, mass_only: tl.constexpr, products: tl.constexpr,
    own: tl.constexpr, others: tl.constexpr,
):  # fmt: skip
    """x̄_i = Σ_j s_ij W_ij (y_j − x_i) − g_i for a tile of `own` queries at one bandwidth, into `found` [f, n, d]."""
    f = tl.program_id(1)
    rows = (tl.program_id(0) * own + tl.arange(0, own))[:, None]
    axes = tl.arange(0, padded)[None, :]
    here = rows * d + axes
    real = (rows < n) & (axes < d)
    shift += f * n * d
    shift_gradient += f * n * d

    sums = tl.zeros([own, padded], x.dtype.element_ty)
    total = tl.zeros([own], x.dtype.element_ty)
    for start in range(0, m, others):
        columns = start + tl.arange(0, others)
        _weights, _scores, pulls = pairs(
            x, y, log_weights, numbers + f * term_count * 3, log_mass + f * n, mass_gradient + f * n,
            shift, shift_gradient, rows, columns[None, :], n, m,
            d, kinds, term_count, weighted, exclude, mass_only, own, others,
        )  # fmt: skip
        if products:
            real_block = (columns[:, None] < m) & (axes < d)
            block = tl.load(y + columns[:, None] * d + axes, mask=real_block, other=0.0)
            sums = tl.dot(pulls, block, sums, input_precision="ieee", out_dtype=sums.dtype)
            total += tl.sum(pulls, axis=1)
        else:
            for k in tl.static_range(d):
                mine = tl.load(x + rows * d + k, mask=rows < n, other=0.0)
                theirs = tl.load(y + columns * d + k, mask=columns < m, other=0.0)[None, :]
                sums += tl.where(axes == k, tl.sum(pulls * (theirs - mine), axis=1)[:, None], 0.0)

    if products:
        sums -= total[:, None] * tl.load(x + here, mask=real, other=0.0)
    if not mass_only:
        sums -= tl.load(shift_gradient + here, mask=real, other=0.0)
    tl.store(found + f * n * d + here, sums, mask=real)


@triton.jit
def point_gradient(
    x, y, log_weights, numbers, log_mass, mass_gradient, shift, shift_gradient, found, found_log_weights,
    n, m,
    d: tl.constexpr, padded: tl.constexpr, kinds: tl.constexpr, term_count: tl.constexpr,
    weighted: tl.constexpr, exclude: tl.constexpr, mass_only: tl.constexpr, products: tl.constexpr,
    own: tl.constexpr, others: tl.constexpr, points_too: tl.constexpr, weights_too: tl.constexpr,
):  # fmt: skip
    """For a tile of `own` points at one bandwidth, each where it is wanted:

    ȳ_j = Σ_i w_ij g_i − s_ij W_ij (y_j − x_i) into `found` [f, m, d], ℓ̄_j = Σ_i s_ij into `found_log_weights` [f, m].
    """
    f = tl.program_id(1)
    columns = tl.program_id(0) * own + tl.arange(0, own)
    axes = tl.arange(0, padded)[None, :]
    shift += f * n * d
    shift_gradient += f * n * d

    sums = tl.zeros([own, padded], x.dtype.element_ty)
    total = tl.zeros([own], x.dtype.element_ty)
    log_weight_sums = tl.zeros([own], x.dtype.element_ty)
    for start in range(0, n, others):
        rows = start + tl.arange(0, others)
        weights, scores, pulls = pairs(
            x, y, log_weights, numbers + f * term_count * 3, log_mass + f * n, mass_gradient + f * n,
            shift, shift_gradient, rows[None, :], columns[:, None], n, m,
            d, kinds, term_count, weighted, exclude, mass_only, own, others,
        )  # fmt: skip
        if weights_too:
            log_weight_sums += tl.sum(scores, axis=1)
        if points_too:
            if products:
                at = rows[:, None] * d + axes
                real_block = (rows[:, None] < n) & (axes < d)
                block = tl.load(x + at, mask=real_block, other=0.0)
                sums = tl.dot(pulls, block, sums, input_precision="ieee", out_dtype=sums.dtype)
                total += tl.sum(pulls, axis=1)
                if not mass_only:
                    block = tl.load(shift_gradient + at, mask=real_block, other=0.0)
                    sums = tl.dot(weights, block, sums, input_precision="ieee", out_dtype=sums.dtype)
            else:
                for k in tl.static_range(d):
                    theirs = tl.load(x + rows * d + k, mask=rows < n, other=0.0)[None, :]
                    mine = tl.load(y + columns * d + k, mask=columns < m, other=0.0)[:, None]
                    moved = pulls * (theirs - mine)
                    if not mass_only:
                        moved += weights * tl.load(shift_gradient + rows * d + k, mask=rows < n, other=0.0)[None, :]
                    sums += tl.where(axes == k, tl.sum(moved, axis=1)[:, None], 0.0)

    if weights_too:
        tl.store(found_log_weights + f * m + columns, log_weight_sums, mask=columns < m)
    if points_too:
        here = columns[:, None] * d + axes
        real = (columns[:, None] < m) & (axes < d)
        if products:
            sums -= total[:, None] * tl.load(y + here, mask=real, other=0.0)
        tl.store(found + f * m * d + here, sums, mask=real)
