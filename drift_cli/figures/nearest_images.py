"""Generated images, each above the training images that are nearest to it: what is copied shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from drift_cli.figures.style import panels, save, style
from drift_cli.figures.tiles import tiles

_ACROSS = 16


def draw(
    generated: np.ndarray, in_pixels: np.ndarray, in_features: np.ndarray, shape: tuple[int, ...], folder: Path
) -> Path:
    """All are [n, d] in one order; the first 16 are drawn."""
    rows = np.stack([kind[:_ACROSS] for kind in (generated, in_pixels, in_features)])
    with style():
        figure, (axis,) = panels(1, 1, 7.2, 1.6 * shape[0] / shape[1] + 0.2)
        tiles(axis, rows, shape, ("generated", "nearest, pixels", "nearest, features"))
        axis.set_title("generated images and the training images nearest to them")
        return save(figure, folder, "nearest")
