r"""The loss on minibatches of N, at the truth and collapsed (ours).

Both fall as 1/N, and the collapsed one is the smaller: the loss alone does not tell q = p from a collapse.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor

from drift_cli.data import Target
from drift_cli.kernels import Kernel, Weighted
from drift_cli.studies.numbers import Interval, Measured, Table, after, columns, slope
from drift_cli.theory import drift_collapse, minibatch_loss

SIZES = (64, 128, 256, 512, 1024, 2048, 4096)
STARTS = 16  # points of the data from which the densest mode is sought
_POPULATION, _QUERIES = 16384, 1024
_FACTORS = (0.5, 1.0, 2.0)  # times the kernel's bandwidth
_EFFECTIVE = 10.0  # exponents are fitted where N/ρ is at least this
_NORMAL = 1.96  # standard errors to the end of a 95 % interval


@dataclass(frozen=True)
class Minibatch:
    """Mean loss and its standard error at each batch size [sizes], and the leading-order N·loss; ρ as a mean."""

    mean: np.ndarray
    error: np.ndarray
    constant: float
    rho: float


@dataclass(frozen=True)
class Pair(Measured):
    """The loss at the truth and collapsed under one kernel: exponents in N, and their ratio at the largest N."""

    minibatch_exponent: dict[str, Interval] = field(metadata=after("_"))
    minibatch_collapsed_over_truth: Interval
    minibatch_collapsed_over_truth_predicted: float
    truth: Minibatch
    collapsed: Minibatch


@dataclass(frozen=True)
class Losses(Measured):
    """Every target, kernel and factor of its bandwidth; the exponent farthest from −1, the largest ratio and error."""

    pairs: dict[str, Pair]
    minibatch_exponent: dict[str, float]
    minibatch_prediction_error: float
    minibatch_collapsed_over_truth: dict[str, float]
    settings: dict[str, tuple[str, str, float]]  # target, kernel and bandwidth of each pair

    def tables(self) -> dict[str, Table]:
        rows = [
            (*self.settings[key], what, n, float(mean), float(error), each.constant / n, n / each.rho)
            for key, pair in self.pairs.items()
            for what, each in (("truth", pair.truth), ("collapsed", pair.collapsed))
            for n, mean, error in zip(SIZES, each.mean, each.error, strict=True)
        ]
        names = ("dataset", "kernel", "bandwidth", "state", "batch_size", "loss", "error", "predicted", "effective")
        return {"mechanism_minibatch": columns(names, rows)}


def losses(targets: dict[str, Target], kernels: dict[str, Kernel], generator: Generator) -> Losses:
    """The loss at the truth and collapsed against the batch size, its exponents, and their ratio at the largest."""
    pairs, settings = {}, {}
    for target, source in targets.items():
        population = source.sample(_POPULATION, generator, torch.float64).points
        for (name, base), factor in itertools.product(kernels.items(), _FACTORS):
            kernel = base.scaled(factor)
            key = f"{target}.{name}" if factor == 1 else f"{target}.{name}.bandwidth_times_{factor:g}"
            pairs[key] = _pair(*_at_sizes(cast(Weighted, kernel), population, generator))
            settings[key] = (target, name, kernel.bandwidth)
    slopes = [each.value for pair in pairs.values() for each in pair.minibatch_exponent.values()]
    both = [each for pair in pairs.values() for each in (pair.truth, pair.collapsed)]
    return Losses(
        pairs,
        {"worst": max(slopes, key=lambda slope: abs(slope + 1))},
        max(float(abs(m.mean[-1] * SIZES[-1] / m.constant - 1)) for m in both),
        {"max": max(pair.minibatch_collapsed_over_truth.value for pair in pairs.values())},
        settings,
    )


def _pair(truth: Minibatch, collapsed: Minibatch) -> Pair:
    return Pair(
        {"truth": _exponent(truth), "collapsed": _exponent(collapsed)},
        _ratio(collapsed, truth),
        collapsed.constant / truth.constant,
        truth,
        collapsed,
    )


def _at_sizes(kernel: Weighted, population: Tensor, generator: Generator) -> tuple[Minibatch, Minibatch]:
    """At the truth and collapsed at the densest mode, for every batch size."""
    place = drift_collapse.mode(kernel, population, population[:STARTS]).place
    limits = minibatch_loss.predicted(kernel, population, population[:_QUERIES], place)
    truth = [minibatch_loss.at_truth(kernel, population, n, max(24, 8192 // n), generator) for n in SIZES]
    collapsed = [minibatch_loss.at_collapse(kernel, population, place, n, 512, generator) for n in SIZES]
    return (
        _summarised(truth, limits.truth, limits.rho_truth),
        _summarised(collapsed, limits.collapsed, limits.rho_collapsed),
    )


def _summarised(draws: list[Tensor], constant: float, rho: float) -> Minibatch:
    mean = np.array([float(each.mean()) for each in draws])
    return Minibatch(mean, np.array([float(each.std()) / len(each) ** 0.5 for each in draws]), constant, rho)


def _exponent(found: Minibatch) -> Interval:
    """The slope of log loss over log N where N/ρ is large, at the three largest N at least."""
    first = min(int(np.searchsorted(SIZES, _EFFECTIVE * found.rho)), len(SIZES) - 3)
    return slope(np.log(SIZES[first:]), np.log(found.mean[first:]))


def _ratio(above: Minibatch, below: Minibatch) -> Interval:
    """Of the losses at the largest batch, with the ends of its 95 % interval, normal in the logarithm."""
    ratio = float(above.mean[-1] / below.mean[-1])
    half = _NORMAL * math.hypot(*(float(each.error[-1] / each.mean[-1]) for each in (above, below)))
    return Interval(ratio, ratio * math.exp(-half), ratio * math.exp(half))
