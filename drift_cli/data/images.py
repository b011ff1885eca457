"""Real images that installed packages ship: nothing is downloaded. Pixels in [0, 1], one image per row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch

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


def as_target(images: LabelledImages, *, labels: bool) -> Finite:
    """The images as a finite target, with their classes when training is class-conditional."""
    frequencies = np.bincount(images.labels) / len(images.labels)
    space = Space.of_images(images.pixels, images.shape, tuple(frequencies.tolist()) if labels else None)
    points = torch.from_numpy(space.from_units(images.pixels))
    return Finite(points, torch.from_numpy(images.labels) if labels else None, space)
