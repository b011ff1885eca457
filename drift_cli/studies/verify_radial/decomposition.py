"""Each kernel's mean shift as a preconditioned score and a covariance (Lai et al.)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator

from drift_cli.kernels import Gaussian, Laplace, Matern32, Matern52, Mixture, Power, RationalQuadratic, Weighted
from drift_cli.studies.numbers import Measured, Table, columns
from drift_cli.studies.verify_radial.settings import VerifyRadialConfig
from drift_cli.theory import radial

_DIMENSIONS = (1, 2, 16, 128)
_QUERIES = 32


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
    gaussian, laplace = Gaussian(bandwidth), Laplace(bandwidth)
    return {
        "gaussian": gaussian,
        "laplace": laplace,
        "matern32": Matern32(bandwidth),
        "matern52": Matern52(bandwidth),
        "rational_quadratic": RationalQuadratic(bandwidth, 1.5),
        "mixture": Mixture(bandwidth, (gaussian, laplace.scaled(3.0)), (1.0, 2.0)),
        "power": Power(laplace, 2.0),
    }
