"""The marginals of generated samples and of the data, column by column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Marginal:
    """One column: mean, standard deviation and quantiles (5 %, 50 %, 95 %) of the data and of the samples."""

    column: str
    data: tuple[float, float, float, float, float]
    generated: tuple[float, float, float, float, float]


HEADINGS = ("mean", "sd", "5 %", "median", "95 %")


def marginals(columns: tuple[str, ...], data: np.ndarray, generated: np.ndarray) -> list[Marginal]:
    """Of points [n, d] in the data's units."""
    return [Marginal(name, _summary(data[:, k]), _summary(generated[:, k])) for k, name in enumerate(columns)]


def _summary(values: np.ndarray) -> tuple[float, float, float, float, float]:
    low, middle, high = np.quantile(values, _QUANTILES).tolist()
    return float(values.mean()), float(values.std()), low, middle, high
