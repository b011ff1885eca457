r"""The Sinkhorn-divergence drift (Turan & Ovsjanikov, eqs. 36-37 as reconstructed):

$$V(x) = T_{q\to p}(x) - T_{q\to q}(x) = -N\,\nabla_{x_i} S_\varepsilon(q, p),
\qquad S_\varepsilon = OT_\varepsilon(q, p) - \tfrac12 OT_\varepsilon(q, q) - \tfrac12 OT_\varepsilon(p, p),$$

with the cost $\tfrac12|x - y|^2$ (our choice: $|x - y|^2$ gives the same plan at $2\varepsilon$ and twice the drift)
and the barycentric projections T of `transport/coupling.py`. The self plan includes the diagonal: a sample may stay in
place. Half an iteration from zero is the mean-shift drift of a Gaussian kernel of bandwidth $\sqrt\varepsilon$; the
run's own kernel is not used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from jaxtyping import Float
from torch import Tensor

from drift_cli.abilities import Abilities
from drift_cli.drift.base import Counted, counts_itself
from drift_cli.kernels import Kernel
from drift_cli.setting import Checked, Setting
from drift_cli.transport import Coupling, couple, couple_with_itself
from drift_cli.transport.coupling import row_potential
from drift_cli.transport.settings import Epsilon, MaxIter, Tolerance
from drift_cli.transport.tally import Tally


@dataclass
class _Kept:
    """A row potential and where it was found: it starts the next plan of the same kind."""

    x: Tensor
    potential: Tensor
    epsilon: float

    def at(self, y: Tensor) -> Tensor:
        log_weights = self.x.new_full((len(self.x),), 1 / len(self.x)).log()
        return row_potential(y, self.x, self.potential, log_weights, self.epsilon)


@dataclass
class Sinkhorn(Checked):
    """V at the queries, at ε = `epsilon`; `tol` and `max_iter` end the iterations of each of the two plans.

    Paired queries are the model's samples. Unpaired queries are new points, at which the plans of `model` with the data
    and with itself are evaluated; with `independent_self` they are themselves samples of q, and `model` is a second
    batch, against which the self plan is computed. `carry` starts from the last call's potentials.
    """

    epsilon: Epsilon
    tol: Tolerance
    max_iter: MaxIter
    independent_self: bool = False
    carry: bool = False
    accelerate: bool = True
    tally: Tally = field(init=False, repr=False, compare=False)
    kept: dict[str, _Kept] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_settings(
        cls,
        self_term: Counted,
        epsilon: Epsilon,
        tol: Tolerance,
        max_iter: MaxIter,
        independent_self: Annotated[bool, Setting("compute the self plan against a second generated batch")],
        carry: Annotated[bool, Setting("start each plan from the last step's potentials")],
    ) -> Sinkhorn:
        return cls(epsilon, tol, max_iter, independent_self, carry)

    @staticmethod
    def check_settings(self_term: str, at: str, **_: object) -> None:
        counts_itself(at, "sinkhorn", self_term, "the plan of the samples with themselves contains every pair")

    @property
    def abilities(self) -> Abilities:
        return Abilities(uses_kernel=False, second_batch=self.independent_self)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tally = Tally(self.tol, self.max_iter)

    def __call__(
        self,
        kernel: Kernel,
        x: Float[Tensor, "n d"],
        data: Float[Tensor, "m d"],
        model: Float[Tensor, "l d"],
        *,
        paired: bool,
    ) -> Float[Tensor, "n d"]:
        two_batches = self.independent_self and not paired
        source = x if two_batches else model
        to_data = self._plan("data", source, data)
        to_model = self._plan("model", source, model) if two_batches else self._self_plan(source)
        self.tally.add(to_data, to_model)
        return to_data.shift(x) - to_model.shift(x)

    def _plan(self, kind: str, x: Tensor, y: Tensor) -> Coupling:
        start = self.kept[kind].at(y) if self.carry and kind in self.kept else None
        plan = couple(x, y, self.epsilon, tol=self.tol, max_iter=self.max_iter, start=start, accelerate=self.accelerate)
        if self.carry:
            self.kept[kind] = _Kept(x.detach(), plan.row_potential(x.detach()), self.epsilon)
        return plan

    def _self_plan(self, x: Tensor) -> Coupling:
        start = self.kept["self"].at(x) if self.carry and "self" in self.kept else None
        plan = couple_with_itself(
            x, self.epsilon, tol=self.tol, max_iter=self.max_iter, start=start, accelerate=self.accelerate
        )
        if self.carry:
            self.kept["self"] = _Kept(x.detach(), plan.potential, self.epsilon)
        return plan
