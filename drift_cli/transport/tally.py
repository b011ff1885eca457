"""What the plans of a run took, told now and then."""

from __future__ import annotations

from dataclasses import dataclass

from drift_cli.transport.coupling import Coupling


@dataclass
class Tally:
    """Plans since the last report, of each drift one to the data and one of the samples with themselves."""

    tol: float
    max_iter: int
    drifts: int = 0
    iterations: int = 0
    self_iterations: int = 0
    marginal_error: float = 0.0

    def add(self, to_data: Coupling, to_model: Coupling) -> None:
        self.drifts += 1
        self.iterations += to_data.iterations
        self.self_iterations += to_model.iterations
        for plan in (to_data, to_model):
            if not plan.marginal_error <= self.marginal_error:  # NaN is the worst
                self.marginal_error = plan.marginal_error

    def report(self) -> dict[str, float]:
        """Iterations of the two plans, means since the last report, and their worst marginal error; counts anew."""
        if not self.drifts:
            return {}
        told = {
            "sinkhorn_iterations": self.iterations / self.drifts,
            "sinkhorn_self_iterations": self.self_iterations / self.drifts,
            "marginal_error": self.marginal_error,
        }
        self.drifts = self.iterations = self.self_iterations = 0
        self.marginal_error = 0.0
        return told

    def complaint(self) -> str | None:
        """One line where a plan is less exact than it was asked to be."""
        if self.marginal_error < self.tol:
            return None
        return (
            f"Sinkhorn stopped at drift.max_iter={self.max_iter} iterations with a marginal error of "
            f"{self.marginal_error:.2g}, above drift.tol={self.tol:g}: raise drift.max_iter or drift.epsilon"
        )
