"""Of `drift verify-radial`: each kernel's mean shift as a preconditioned score and a covariance (Lai et al.)."""

from __future__ import annotations

import math

import torch
from torch import Generator

from drift_cli.kernels import Gaussian, Laplace, Matern32, Matern52, Mixture, Power, RationalQuadratic, Weighted
from drift_cli.studies.study import Study
from drift_cli.studies.verify_radial.settings import VerifyRadialConfig
from drift_cli.theory import radial

_DIMENSIONS = (1, 2, 16, 128)
_QUERIES = 32


def decomposition(s: Study, config: VerifyRadialConfig, generator: Generator) -> None:
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
    names, dimensions, identities, covariances = zip(*rows, strict=True)
    s.curves(
        "decomposition",
        {"kernel": names, "dimension": dimensions, "error": identities, "covariance": covariances},
    )
    s.summary |= {
        "decomposition_error": max(identities),
        "gaussian_covariance": max(c for name, _, _, c in rows if name == "gaussian"),
        "laplace_covariance": max(c for name, _, _, c in rows if name == "laplace"),
    }


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
