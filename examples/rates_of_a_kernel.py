"""How fast a kernel's drift reduces each frequency near a uniform density, and the budget common to all kernels."""

from __future__ import annotations

import numpy as np

from drift_cli import Gaussian, Laplace, RationalQuadratic

FREQUENCY = np.geomspace(1e-4, 1e4, 4001)  # in units of one over the bandwidth


def budgets(d: int = 2) -> dict[str, float]:
    """The integral of the rate over the logarithm of the frequency: 1 for every kernel."""
    kernels = {"Gaussian": Gaussian(1.0), "Laplace": Laplace(1.0), "rational quadratic": RationalQuadratic(1.0, 2.0)}
    return {name: float(np.trapezoid(k.rate(FREQUENCY, d), np.log(FREQUENCY))) for name, k in kernels.items()}


if __name__ == "__main__":
    for name, budget in budgets().items():
        print(f"{name}: {budget:.4f}")
