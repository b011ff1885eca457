"""Any discrepancy as a drift."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.abilities import Abilities, abilities
from drift_cli.discrepancy import Discrepancy
from drift_cli.drift.base import Counted, Iterative, counts_itself
from drift_cli.errors import RunFailed, UserError
from drift_cli.kernels import Kernel
from drift_cli.setting import Setting
from drift_cli.transport.tally import Tally


@dataclass(frozen=True)
class FromDiscrepancy:
    r"""Any discrepancy as a drift (Turan & Ovsjanikov, eq. 20): $V = -\nabla\,\delta D/\delta q$, of samples

    $$V_i = -N\,\partial_{x_i} D(\{x_1, \dots, x_N\},\,\text{data}),$$

    by automatic differentiation. It descends any D; whether it converges to q = p does not follow from D vanishing only
    there. The mean-shift drift is not of this kind.

    Called like every drift, [n, d] for queries [n, d]. `discrepancy(x, y)` is D, one number for two samples; `name` is
    used in error messages; `generator` (or torch's own) supplies random numbers. Raises `UserError` if D is not one
    number or does not depend on x, and `RunFailed` if it is not finite.
    """

    discrepancy: Discrepancy
    name: str
    generator: torch.Generator | None = None

    @classmethod
    def from_settings(
        cls,
        self_term: Counted,
        discrepancy: Annotated[
            Discrepancy, Setting("discrepancy D: a name or {name: …, setting: …}", group="discrepancy")
        ],
    ) -> FromDiscrepancy:
        return cls(discrepancy, re.sub(r"(?<!^)(?=[A-Z])", "_", type(discrepancy).__name__).lower())

    @staticmethod
    def check_settings(self_term: str, at: str, **_: object) -> None:
        counts_itself(at, "from_discrepancy", self_term, "a discrepancy involves all samples")

    @property
    def abilities(self) -> Abilities:
        return replace(abilities(self.discrepancy), at_samples_alone=True)

    @property
    def epsilon(self) -> float | None:
        return getattr(self.discrepancy, "epsilon", None)

    @property
    def told(self) -> str:
        """Its name in a run's headline."""
        projections = getattr(self.discrepancy, "projections", None)
        return f"discrepancy: {self.name}" + (f", {projections} projections" if projections else "")

    def drawing_from(self, generator: torch.Generator) -> FromDiscrepancy:
        return replace(self, generator=generator)

    @property
    def tally(self) -> Tally | None:
        return self.discrepancy.tally if isinstance(self.discrepancy, Iterative) else None

    def __call__(
        self,
        kernel: Kernel,
        x: Float[Tensor, "n d"],
        data: Float[Tensor, "m d"],
        model: Float[Tensor, "l d"],
        *,
        paired: bool,
    ) -> Float[Tensor, "n d"]:
        """V at the samples themselves: a function of the samples has no derivative anywhere else.

        Raises `ValueError` for queries other than the samples, `UserError` for a D that is not one number attached to
        them, and `RunFailed` for a non-finite D.
        """
        if not paired and not (x.shape == model.shape and bool((x == model).all())):
            raise ValueError(f"the drift of {self.name} is defined only at the model's samples, not at other queries")
        with torch.enable_grad():
            samples = x.detach().requires_grad_(True)
            value = self.discrepancy(kernel, samples, data, self.generator or torch.default_generator)
            if not isinstance(value, Tensor) or value.numel() != 1:
                found = f"a tensor {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
                raise UserError(f"The discrepancy {self.name} must return one number as a tensor, got {found}.")
            if not value.requires_grad:
                raise UserError(
                    f"The discrepancy {self.name} does not depend on the samples, or was detached from them."
                )
            if not bool(torch.isfinite(value)):
                raise RunFailed(
                    f"The discrepancy {self.name} was {float(value.detach()):g}, and the run stopped: a larger "
                    "kernel.bandwidth or another discrepancy may be finite there."
                )
            (gradient,) = torch.autograd.grad(value.sum(), samples)
        return -len(x) * gradient
