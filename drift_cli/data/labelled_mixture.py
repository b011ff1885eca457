r"""Classes that share Gaussian modes, each with its own shares: $p_c = \sum_m w_{cm} N(\mu_m, s^2 I)$.

Where guided drifting ends is known for it in closed form (`theory/guidance.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Self

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from drift_cli.data.gaussian_mixture import evenly_spaced
from drift_cli.data.noise import normal
from drift_cli.data.space import Space
from drift_cli.data.target import Batch
from drift_cli.errors import UserError
from drift_cli.rules import at_least, positive
from drift_cli.setting import Setting


@dataclass(frozen=True)
class LabelledMixture:
    """`means` [m][d], `shares` [c][m] and `frequencies` [c], both summing to 1, common standard deviation `std`."""

    means: tuple[tuple[float, ...], ...]
    shares: tuple[tuple[float, ...], ...]
    frequencies: tuple[float, ...]
    std: float

    @classmethod
    def from_settings(
        cls,
        dimension: Annotated[int, Setting("dimension of the points", (partial(at_least, least=1),))],
        radius: Annotated[float, Setting("distance of the modes from the origin", (partial(at_least, least=0),))],
        std: Annotated[float, Setting("standard deviation of each mode", (positive,))],
        shares: Annotated[Any, Setting("for each class a list of its modes' shares (normalised to sum 1)")],
        frequencies: Annotated[
            tuple[float, ...] | None,
            Setting("one positive number per class (normalised to sum 1); null: equal", (positive,)),
        ] = None,
    ) -> Self:
        means = evenly_spaced(len(shares[0]), dimension, radius)
        return cls(means, tuple(map(_normalised, shares)), _normalised(frequencies or [1.0] * len(shares)), std)

    @staticmethod
    def check_settings(shares: Any, frequencies: Any, **_: object) -> None:
        if not _is_table(shares):
            raise UserError(
                "dataset.shares must be a list of at least two classes, each a list of as many shares of modes, not "
                f"negative and not all zero, got {shares}."
            )
        if frequencies is not None and len(frequencies) != len(shares):
            raise UserError(
                f"dataset.frequencies must have one entry per class ({len(shares)}), got {len(frequencies)}."
            )

    def target(self) -> LabelledMixture:
        return self

    @property
    def space(self) -> Space:
        return replace(Space.unit(len(self.means[0])), class_frequencies=self.frequencies)

    @property
    def size(self) -> None:
        return None

    @property
    def class_sizes(self) -> None:
        return None

    def sample(self, n: int, generator: Generator, dtype: torch.dtype) -> Batch:
        """n points, their classes drawn by frequency."""
        frequencies = torch.tensor(self.frequencies, dtype=torch.float64, device=generator.device)
        labels = torch.multinomial(frequencies, n, replacement=True, generator=generator)
        return Batch(self._of(labels, generator, dtype), labels)

    def sample_of_each(self, n: int, generator: Generator, dtype: torch.dtype) -> Batch:
        """n points of each class, class by class."""
        labels = torch.arange(len(self.shares), device=generator.device).repeat_interleave(n)
        return Batch.balanced(self._of(labels, generator, dtype).unflatten(0, (len(self.shares), n)))

    def _of(self, labels: Int[Tensor, " n"], generator: Generator, dtype: torch.dtype) -> Float[Tensor, "n d"]:
        """A point of each of these classes."""
        shares = torch.tensor(self.shares, dtype=torch.float64, device=generator.device)
        mode = torch.multinomial(shares[labels], 1, replacement=True, generator=generator).squeeze(1)
        centres = torch.tensor(self.means, dtype=dtype, device=generator.device)[mode]
        return centres + self.std * normal(*centres.shape, generator=generator, dtype=dtype)


def _normalised(numbers: Any) -> tuple[float, ...]:
    total = float(sum(numbers))
    return tuple(float(number) / total for number in numbers)


def _is_table(shares: Any) -> bool:
    return (
        isinstance(shares, list | tuple)
        and len(shares) > 1
        and all(isinstance(row, list | tuple) and len(row) == len(shares[0]) for row in shares)
        and all(isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v < 1e9 for row in shares for v in row)
        and all(sum(row) > 0 for row in shares)
    )
