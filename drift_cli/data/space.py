r"""The space that training works in, and the way back to the units of the data.

Training sees points $x = (u - \text{shift})/\text{scale}$ of about unit size whatever the data; a kernel's
bandwidth is a length there. Synthetic targets are made at unit size, so their space changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.errors import UserError

_ROUNDING = 1e-15  # of a column's size: a few units in the last place
_KEPT = 10_000  # conditions
_SMALLEST = 1e-150  # a spread whose square is no number


@dataclass(frozen=True)
class Space:
    """`shift`, `scale` [d] in the data's units; names of the columns; class frequencies, and names where they have any.

    `image` is (height, width) of grey images and (height, width, channels) of others, a pixel's channels side by side.
    The last `conditions` columns are given to the generator and not made by it; `conditions_kept` is how many rows of
    them are kept with a trained generator, to draw from. `guidance`: the generator is given the strength of guidance.
    """

    columns: tuple[str, ...]
    shift: tuple[float, ...]
    scale: tuple[float, ...]
    image: tuple[int, ...] | None = None
    class_frequencies: tuple[float, ...] | None = None
    class_names: tuple[str, ...] | None = None
    conditions: int = 0
    conditions_kept: int = 0
    guidance: bool = False

    @property
    def dimension(self) -> int:
        return len(self.columns)

    @classmethod
    def unit(cls, dimension: int) -> Self:
        """The space of a target that is made at unit size."""
        return cls(tuple(f"x{k + 1}" for k in range(dimension)), (0.0,) * dimension, (1.0,) * dimension)

    @classmethod
    def of_codes(cls, dimension: int, class_frequencies: tuple[float, ...] | None) -> Self:
        """The space of codes, which are made at unit size."""
        names = tuple(f"code_{k + 1}" for k in range(dimension))
        return cls(names, (0.0,) * dimension, (1.0,) * dimension, None, class_frequencies)

    @classmethod
    def of_columns(cls, points: np.ndarray, columns: tuple[str, ...]) -> Self:
        """Columns of different units: each centred and divided by its deviation times √d.

        The root mean square distance from the mean becomes 1 in every dimension. A column that is
        constant, up to rounding, keeps scale 1.
        """
        deviation, size, width = points.std(axis=0), np.abs(points).max(axis=0), np.ptp(points, axis=0)
        varies = (width > _ROUNDING * size) & (deviation > _SMALLEST)
        if not varies.any():
            raise UserError("The data is one point: every row is the same, up to rounding. There is nothing to train.")
        scale = np.where(varies, deviation, 1.0) * math.sqrt(points.shape[1])
        return cls(columns, tuple(points.mean(axis=0).tolist()), tuple(scale.tolist()))

    @classmethod
    def of_pairs(cls, points: np.ndarray, columns: tuple[str, ...], conditions: int, bandwidth: float) -> Self:
        r"""Pairs (x, c), c the last `conditions` columns: the space of the joint kernel.

        Each part by itself has unit size, and c is divided by `bandwidth` $= \sigma_c / \sigma$. A kernel φ(r/σ) of the
        distance of two pairs is then $\varphi(\sqrt{|x - x'|^2/\sigma^2 + |c - c'|^2/\sigma_c^2})$, of the Gaussian
        $k_\sigma(x, x')\,k_{\sigma_c}(c, c')$ (ours).
        """
        if (np.ptp(points[:, -conditions:], axis=0) == 0).all():
            raise UserError("The condition is the same in every row: name columns that differ in dataset.condition.")
        x = cls.of_columns(points[:, :-conditions], columns[:-conditions])
        c = cls.of_columns(points[:, -conditions:], columns[-conditions:])
        scale = (*x.scale, *(bandwidth * each for each in c.scale))
        kept = min(len(points), _KEPT)
        return cls(columns, (*x.shift, *c.shift), scale, conditions=conditions, conditions_kept=kept)

    @classmethod
    def of_images(
        cls,
        pixels: np.ndarray,
        shape: tuple[int, ...],
        class_frequencies: tuple[float, ...] | None,
        class_names: tuple[str, ...] | None = None,
    ) -> Self:
        """Pixels share one unit: the mean image is taken out, one scale makes the root mean square distance 1."""
        mean = pixels.mean(axis=0)
        scale = math.sqrt(np.square(pixels - mean).sum(axis=1).mean())
        if scale == 0:
            raise UserError("The data is one image: every image is the same. There is nothing to train.")
        columns = tuple("_".join(["pixel", *map(str, place)]) for place in np.ndindex(*shape))
        return cls(columns, tuple(mean.tolist()), (scale,) * pixels.shape[1], shape, class_frequencies, class_names)

    def from_units(self, points: np.ndarray) -> np.ndarray:
        x: np.ndarray = (points - np.asarray(self.shift)) / np.asarray(self.scale)
        return x

    def to_units(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Points of the training space in the data's units (pixels: 0 to 1), in float64 on the CPU.

        A column such as a time stamp needs more digits than float32 has, however well it was trained.
        """
        return x.detach().cpu().double() * torch.tensor(self.scale, dtype=torch.float64) + torch.tensor(
            self.shift, dtype=torch.float64
        )

    def for_distance(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Where distances between samples are measured: pixel space for images, the training space otherwise."""
        return x * self.scale[0] if self.image else x  # of one scale; the shift is in both samples

    def agrees_with(self, other: Space) -> bool:
        """The same columns in the same units, up to rounding."""
        names = all(
            getattr(self, name) == getattr(other, name)
            for name in ("columns", "image", "class_names", "conditions", "conditions_kept")
        )
        mine, theirs = (space.class_frequencies or () for space in (self, other))
        return names and all(
            len(a) == len(b) and np.allclose(a, b, rtol=1e-9, atol=1e-12)
            for a, b in ((self.shift, other.shift), (self.scale, other.scale), (mine, theirs))
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, entries: dict[str, Any]) -> Self:
        """What `as_dict` gave. Raises `ValueError` or `TypeError` for anything else."""
        names, sizes = entries["columns"], (entries["shift"], entries["scale"])
        named = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
        if not named or any(len(s) != len(names) or not np.isfinite(np.asarray(s, float)).all() for s in sizes):
            raise ValueError("its space needs one name, shift and scale per column")
        lists: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in entries.items()
        }
        return cls(**lists)
