"""Every kernel of the project, at bandwidth 0.7, for identities that hold for all of them."""

from __future__ import annotations

from drift_cli.kernels import Gaussian, Kernel, Laplace, Matern32, Matern52, Mixture, RationalQuadratic
from drift_cli.kernels.designed import Designed

BANDWIDTH = 0.7
KERNELS: dict[str, Kernel] = {
    "gaussian": Gaussian(BANDWIDTH),
    "laplace": Laplace(BANDWIDTH),
    "matern32": Matern32(BANDWIDTH),
    "matern52": Matern52(BANDWIDTH),
    "rational_quadratic": RationalQuadratic(BANDWIDTH, alpha=1.5),
    "mixture": Mixture(BANDWIDTH, (Gaussian(BANDWIDTH), Laplace(3 * BANDWIDTH)), (1.0, 2.0)),
    "designed": Designed.from_settings(BANDWIDTH, modes=4, dimension=2.0, design="optimal"),
}
