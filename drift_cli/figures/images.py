"""A grid of generated images next to real ones."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from drift_cli.figures.style import FLOOR, panels, save, style


def draw(generated: np.ndarray, real: np.ndarray, shape: tuple[int, ...], folder: Path) -> Path:
    """Both are [n, height·width], dark is ink; or [n, height·width·3], in colour as it is."""
    with style():
        figure, axes = panels(1, 2, 3.6, 3.8)
        high = float(np.quantile(real, 0.999))
        for axis, images, title in zip(axes, (generated, real), ("generated", "real"), strict=True):
            grid = _grid(images[: len(real)], shape)
            axis.imshow(
                grid, cmap="gray_r", vmin=0, vmax=high, interpolation="nearest"
            )  # of colour only the last counts
            axis.set_title(title)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set(visible=True, color=FLOOR)  # a frame tells the two grids apart
        return save(figure, folder, "images")


def _grid(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Images in a square grid, a blank line of one pixel between them; colours from 0 to 1."""
    side = math.isqrt(len(images))
    height, width, *channels = shape
    canvas = np.full((side * (height + 1) - 1, side * (width + 1) - 1, *channels), 1.0 if channels else 0.0)
    for index in range(side * side):
        row, column = divmod(index, side)
        top, left = row * (height + 1), column * (width + 1)
        canvas[top : top + height, left : left + width] = images[index].reshape(shape)
    return canvas.clip(0, 1) if channels else canvas
