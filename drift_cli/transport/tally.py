"""The iterations and errors of a run's plans, reported from time to time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real

from drift_cli.transport.coupling import Coupling

_COUNTS = ("drifts", "iterations", "self_iterations", "marginal_error", "capped_steps")


@dataclass
class Tally:
    """Plans since the last report, of each drift one to the data and one of the samples with themselves.

    A step may take several drifts (one a class), and is capped where any of their plans ended above `tol`.
    """

    tol: float
    max_iter: int
    drifts: int = 0
    iterations: int = 0
    self_iterations: int = 0
    marginal_error: float = 0.0
    capped_steps: int = 0
    _capped: bool = field(default=False, repr=False)  # the step that is under way

    def add(self, to_data: Coupling, to_model: Coupling) -> None:
        self.drifts += 1
        self.iterations += to_data.iterations
        self.self_iterations += to_model.iterations
        for plan in (to_data, to_model):
            if not plan.marginal_error <= self.marginal_error:  # NaN is the worst
                self.marginal_error = plan.marginal_error
            self._capped |= not plan.marginal_error < self.tol

    def end_step(self) -> None:
        """What was added since the last call was one step."""
        self.capped_steps += self._capped
        self._capped = False

    def report(self) -> dict[str, float]:
        """Iterations of the two plans, means since the last report, their worst marginal error, and how many steps
        were capped; counts anew."""
        if not self.drifts:
            return {}
        told = {
            "sinkhorn_iterations": self.iterations / self.drifts,
            "sinkhorn_self_iterations": self.self_iterations / self.drifts,
            "sinkhorn_capped_steps": self.capped_steps,
            "marginal_error": self.marginal_error,
        }
        self.drifts = self.iterations = self.self_iterations = self.capped_steps = 0
        self.marginal_error = 0.0
        return told

    def pending(self) -> dict[str, float]:
        """What the next report starts from, for a checkpoint between two of them; nothing right after one."""
        return {name: getattr(self, name) for name in _COUNTS} if self.drifts else {}

    def resume(self, pending: Mapping[str, float]) -> None:
        """Continue counting from `pending`. Raises `ValueError` for anything else."""
        if not pending:
            return
        if set(pending) != set(_COUNTS) or not all(isinstance(value, Real) for value in pending.values()):
            raise ValueError(f"a tally has the numbers {', '.join(_COUNTS)}, got {dict(pending)}")
        for name, value in pending.items():
            setattr(self, name, value)

    def complaint(self) -> str | None:
        """One line where a plan is less exact than it was asked to be."""
        if self.marginal_error < self.tol:
            return None
        return (
            f"Sinkhorn stopped at drift.max_iter={self.max_iter} iterations with a marginal error of "
            f"{self.marginal_error:.2g}, above drift.tol={self.tol:g}: raise drift.max_iter or drift.epsilon"
        )
