"""Each kernel's mean shift as a preconditioned score and a covariance (Lai et al.)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator

from drift_cli.kernels import Mixture, Power, Weighted
from drift_cli.studies.kernels import every_kernel
from drift_cli.studies.numbers import Measured, Table, columns
from drift_cli.studies.verify_radial.settings import VerifyRadialConfig
from drift_cli.theory import radial

_DIMENSIONS = (1, 2, 16, 128)
_QUERIES = 32
_ALPHA = 1.5  # of the rational quadratic kernel


@dataclass(frozen=True)
class Decomposition(Measured):
    """The largest error of the identity, and the size of the covariance of two kernels, over the dimensions.

    In units of the mean distance; the rows are kernel, dimension, error and covariance.
    """

    decomposition_error: float
    gaussian_covariance: float
    laplace_covariance: float
    rows: list[tuple[str, int, float, float]]

    def tables(self) -> dict[str, Table]:
        return {"decomposition": columns(("kernel", "dimension", "error", "covariance"), self.rows)}


def decomposition(config: VerifyRadialConfig, generator: Generator) -> Decomposition:
    """Every kernel, on weighted samples in several dimensions."""
    rows = []
    for dimension in _DIMENSIONS:
        x, y = (
            torch.randn(n, dimension, generator=generator, dtype=torch.float64)
            for n in (_QUERIES, config.decomposition_samples)
        )
        log_weights = torch.randn(len(y), generator=generator, dtype=torch.float64)
        for name, kernel in _every_kernel(math.sqrt(dimension / 2)).items():
            errors = radial.check(kernel, x, y, log_weights)
            rows.append((name, dimension, errors.identity, errors.covariance))
    gaussian, laplace = (max(row[3] for row in rows if row[0] == name) for name in ("gaussian", "laplace"))
    return Decomposition(max(row[2] for row in rows), gaussian, laplace, rows)


def _every_kernel(bandwidth: float) -> dict[str, Weighted]:
    every = {name: kernel for name, kernel in every_kernel(bandwidth, _ALPHA).items() if isinstance(kernel, Weighted)}
    mixture = Mixture(bandwidth, (every["gaussian"], every["laplace"].scaled(3.0)), (1.0, 2.0))
    return every | {"mixture": mixture, "power": Power(every["laplace"], 2.0)}
