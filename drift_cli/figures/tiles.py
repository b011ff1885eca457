"""Images in rows, grey or in colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from drift_cli.figures.style import FLOOR


def tiles(axis: Axes, images: np.ndarray, shape: tuple[int, ...], rows: Sequence[str] = ()) -> None:
    """Draw images [rows, columns, height·width(·3)] with pixels from 0 to 1: of grey ones dark is ink; `rows` names."""
    count, across, _ = images.shape
    height, width, *channels = shape
    paper = 1.0 if channels else 0.0
    canvas = np.full((count, across, height + 1, width + 1, *channels), paper)
    canvas[:, :, :height, :width] = images.reshape(count, across, *shape).clip(0, 1)
    canvas = canvas.swapaxes(1, 2).reshape(count * (height + 1), across * (width + 1), *channels)[:-1, :-1]
    axis.imshow(canvas, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axis.grid(False)
    axis.set_xticks([])
    axis.set_yticks([row * (height + 1) + (height - 1) / 2 for row in range(len(rows))], rows)
    axis.tick_params(length=0)
    axis.spines[:].set(visible=True, color=FLOOR)
