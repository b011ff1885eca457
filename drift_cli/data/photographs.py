"""Patches of photographs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np

from drift_cli.data.held_out import HeldOut
from drift_cli.data.labelled_images import LabelledImages, Labels, as_target
from drift_cli.data.target import Finite
from drift_cli.rules import between
from drift_cli.setting import Checked, Setting, before

_NAMES = ("temple", "flower")


@dataclass(frozen=True)
class Photographs(Checked):
    """Patches of the two colour photographs that scikit-learn ships, a temple and a flower: the photograph is the
    class.
    """

    labels: Labels = False
    size: Annotated[int, Setting("height and width of a patch, in pixels", (partial(between, low=4, high=64),))] = 16
    held_out: HeldOut = before(default=0.0)

    def images(self) -> LabelledImages:
        """The patches tile each photograph of 427×640 pixels: none shares a pixel with another, held out or not."""
        from sklearn.datasets import load_sample_images

        photographs = [_tiles(photograph, self.size) for photograph in load_sample_images().images]
        labels = np.repeat(np.arange(len(photographs)), [len(tiles) for tiles in photographs])
        return LabelledImages(np.concatenate(photographs) / 255, labels, (self.size, self.size, 3), _NAMES)

    def target(self) -> Finite:
        return as_target(self.images(), labels=self.labels, held_out=self.held_out)


def _tiles(photograph: np.ndarray, size: int) -> np.ndarray:
    """[n, size·size·3], row by row; what is left over at the right and below is cut off."""
    rows, columns = (length // size for length in photograph.shape[:2])
    cut = photograph[: rows * size, : columns * size].reshape(rows, size, columns, size, 3)
    return cut.swapaxes(1, 2).reshape(rows * columns, size * size * 3)
