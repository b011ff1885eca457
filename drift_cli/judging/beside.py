"""A number with its value for real images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Beside:
    """`value` of the generated images, `floor` of real ones that nothing was trained on, with its deviation where it
    is one of several draws; `copies`: of training images, the other end, where that is another. None: not defined."""

    value: float | None
    floor: float | None
    floor_sd: float | None = None
    copies: float | None = None
