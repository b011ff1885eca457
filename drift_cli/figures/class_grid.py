"""Generated images by class, one row each, next to real ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from drift_cli.figures.style import panels, save, style
from drift_cli.figures.tiles import tiles

_ACROSS = 10
_MOST = 20  # classes drawn


def draw(
    generated: tuple[np.ndarray, np.ndarray],
    real: tuple[np.ndarray, np.ndarray],
    names: Sequence[str],
    shape: tuple[int, ...],
    folder: Path,
) -> Path:
    """Both are images [n, d] and their classes [n]; `names` of all classes. Places without an image stay empty."""
    shown = list(names[:_MOST])
    with style():
        figure, axes = panels(1, 2, 3.6, 0.36 * len(shown) * shape[0] / shape[1] + 0.4)
        for axis, (images, classes), title in zip(axes, (generated, real), ("generated", "real"), strict=True):
            paper = float(len(shape) > 2)  # white in colour, where grey has no ink
            rows = np.stack([_row(images[classes == label], paper) for label in range(len(shown))])
            tiles(axis, rows, shape, shown)
            axis.set_title(f"{title}, one class per row")
        return save(figure, folder, "classes")


def _row(images: np.ndarray, paper: float) -> np.ndarray:
    return np.concatenate([images[:_ACROSS], np.full((max(0, _ACROSS - len(images)), images.shape[1]), paper)])
