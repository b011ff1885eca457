"""Images of digits, 8×8 pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drift_cli.data.held_out import HeldOut
from drift_cli.data.labelled_images import LabelledImages, Labels, as_target
from drift_cli.data.target import Finite
from drift_cli.setting import Checked, before


@dataclass(frozen=True)
class Digits(Checked):
    """The 1,797 images of 8×8 pixels of the UCI optical digits test set, as scikit-learn ships them."""

    labels: Labels
    held_out: HeldOut = before(default=0.0)

    def images(self) -> LabelledImages:
        from sklearn.datasets import load_digits

        pixels, labels = load_digits(return_X_y=True)
        return LabelledImages(pixels / 16, labels.astype(np.int64), (8, 8))

    def target(self) -> Finite:
        return as_target(self.images(), labels=self.labels, held_out=self.held_out)
