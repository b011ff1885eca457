"""Every kernel of the project, at bandwidth 0.7, for identities that hold for all of them."""

from __future__ import annotations

from drift_cli.kernels import Gaussian, Kernel, Laplace, Matern32, Matern52, Mixture, RationalQuadratic

BANDWIDTH = 0.7
KERNELS: dict[str, Kernel] = {
    "gaussian": Gaussian(BANDWIDTH),
    "laplace": Laplace(BANDWIDTH),
    "matern32": Matern32(BANDWIDTH),
    "matern52": Matern52(BANDWIDTH),
    "rational_quadratic": RationalQuadratic(BANDWIDTH, alpha=1.5),
    "mixture": Mixture(BANDWIDTH, (Gaussian(BANDWIDTH), Laplace(3 * BANDWIDTH)), (1.0, 2.0)),
}
