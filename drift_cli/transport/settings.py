"""The settings of an entropic plan, shared by all its users."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from drift_cli.rules import at_least, check_epsilon, positive
from drift_cli.setting import Setting

_ERROR = "give the L1 marginal error at which the iterations of a plan end, e.g. drift.tol=0.01"
_MOST = "give the most iterations that a plan may take, e.g. drift.max_iter=50"
Epsilon = Annotated[
    float, Setting("entropic regularisation, a length squared: sqrt(epsilon) is the bandwidth", (check_epsilon,))
]
Tolerance = Annotated[
    float, Setting("L1 marginal error at which the iterations of a plan end", (partial(positive, remedy=_ERROR),))
]
MaxIter = Annotated[int, Setting("maximum number of iterations of a plan", (partial(at_least, least=1, remedy=_MOST),))]
