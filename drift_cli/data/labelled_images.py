"""Images with their classes as a finite target. Pixels in [0, 1], one image per row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch

from drift_cli.data.held_out import split
from drift_cli.data.space import Space
from drift_cli.data.target import Finite
from drift_cli.learned import content_hash
from drift_cli.setting import Setting

Labels = Annotated[bool, Setting("true: class-conditional")]


@dataclass(frozen=True)
class LabelledImages:
    """`pixels` [n, height·width·channels] in [0, 1], the channels of a pixel side by side; `shape` is (height, width)
    of grey images and (height, width, 3) of coloured ones; `labels` [n] from 0 to the number of classes − 1, None where
    they are not known; `names` of the classes, where they have any."""

    pixels: np.ndarray
    labels: np.ndarray | None
    shape: tuple[int, ...]
    names: tuple[str, ...] | None = None


def as_target(images: LabelledImages, *, labels: bool, held_out: float = 0.0, notes: tuple[str, ...] = ()) -> Finite:
    """The images as a finite target, with their classes, which must be known, when training is class-conditional.

    The share `held_out` of every class stands apart; mean, scale and frequencies are those of the others.
    """
    trained, out = split(images.pixels, images.labels, held_out)
    frequencies = None
    if labels and images.labels is not None:
        frequencies = tuple((np.bincount(images.labels[trained]) / len(trained)).tolist())
    space = Space.of_images(images.pixels[trained], images.shape, frequencies, images.names if labels else None)

    parts = (images.pixels,) if images.labels is None else (images.pixels, images.labels)
    content = content_hash(images.shape, *(torch.from_numpy(np.ascontiguousarray(part)) for part in parts))

    def part(rows: np.ndarray, apart: Finite | None, notes: tuple[str, ...] = ()) -> Finite:
        points = torch.from_numpy(space.from_units(images.pixels[rows]))
        classes = None if images.labels is None else torch.from_numpy(images.labels[rows])
        return Finite(points, classes if labels else None, space, notes, classes, apart, content)

    return part(trained, part(out, None) if len(out) else None, notes)
