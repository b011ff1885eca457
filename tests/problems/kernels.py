"""Every kernel of the project, at bandwidth 0.7, for identities that hold for all of them: a new one is among them."""

from __future__ import annotations

import pytest

from drift_cli import catalogue
from drift_cli.config.objects import standing_at
from drift_cli.kernels import Kernel

BANDWIDTH = 0.7
_GIVEN = {  # where the settings of the YAML file are not the ones to test
    "rational_quadratic": {"alpha": 1.5},
    "mixture": {"components": [{"kernel": "gaussian"}, {"kernel": "laplace", "factor": 3.0, "weight": 2.0}]},
    "designed": {"modes": 4, "dimension": 2.0, "design": "optimal"},
}
KERNELS: dict[str, Kernel] = {
    name: standing_at("kernel", "kernel", {"name": name, "bandwidth": BANDWIDTH, **_GIVEN.get(name, {})}).made()
    for name in catalogue.names("kernel")
}
# For what no kernel does differently: one alone and one made of several, and the others in the slow tests.
FEW = [
    pytest.param(kernel, id=name, marks=() if name in ("laplace", "mixture") else pytest.mark.slow)
    for name, kernel in KERNELS.items()
]
