"""What a generator makes of the noises between two: a row for each pair."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from drift_cli.figures.style import panels, save, style
from drift_cli.figures.tiles import tiles


def draw(images: np.ndarray, shape: tuple[int, ...], rows: Sequence[str], folder: Path) -> Path:
    """Of images [pairs, steps, d] in the order of the way from one noise to the other."""
    pairs, steps, _ = images.shape
    with style():
        figure, (axis,) = panels(1, 1, 0.42 * steps + 0.6, 0.42 * pairs * shape[0] / shape[1] + 0.6)
        tiles(axis, images, shape, rows)
        axis.set_title("from one noise to another")
        return save(figure, folder, "interpolation")
