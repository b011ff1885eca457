"""Entropic optimal transport in the log domain, on the one hot loop: no N×M array is built."""

from drift_cli.transport.coupling import Coupling
from drift_cli.transport.solve import couple, couple_with_itself

__all__ = ["Coupling", "couple", "couple_with_itself"]
