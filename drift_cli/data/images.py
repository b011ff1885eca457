"""Real images that installed packages ship: nothing is downloaded. Pixels in [0, 1], one image per row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch

from drift_cli.data.held_out import split
from drift_cli.data.space import Space
from drift_cli.data.target import Finite
from drift_cli.setting import Setting

Labels = Annotated[bool, Setting("true: class-conditional")]


@dataclass(frozen=True)
class LabelledImages:
    """`pixels` [n, height·width] in [0, 1]; `labels` [n] from 0 to the number of classes − 1."""

    pixels: np.ndarray
    labels: np.ndarray
    shape: tuple[int, int]


def as_target(images: LabelledImages, *, labels: bool, held_out: float = 0.0) -> Finite:
    """The images as a finite target, with their classes when training is class-conditional.

    The share `held_out` of every class stands apart; mean, scale and frequencies are those of the others.
    """
    trained, out = split(images.pixels, images.labels, held_out)
    frequencies = np.bincount(images.labels[trained]) / len(trained)
    space = Space.of_images(images.pixels[trained], images.shape, tuple(frequencies.tolist()) if labels else None)

    def part(rows: np.ndarray, apart: Finite | None) -> Finite:
        points, classes = torch.from_numpy(space.from_units(images.pixels[rows])), torch.from_numpy(images.labels[rows])
        return Finite(points, classes if labels else None, space, classes=classes, held_out=apart)

    return part(trained, part(out, None) if len(out) else None)
