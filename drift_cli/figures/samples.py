"""Points of the plane: generated ones through training, next to the target; and the same as an animation."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.axes import Axes

from drift_cli.figures.style import DATA, MODEL, panels, save, style
from drift_cli.files import whole

_OUTSIDE = 0.5  # share of the points out of the target's frame above which a panel takes its own


def draw(snapshots: dict[int, np.ndarray], target: np.ndarray, columns: tuple[str, ...], folder: Path) -> Path:
    """One panel per step, the target last, all at the target's scale."""
    with style():
        figure, axes = panels(1, len(snapshots) + 1, 2.1, 2.4)
        for axis, (step, points) in zip(axes, snapshots.items(), strict=False):
            _scatter(axis, points, target, MODEL)
            axis.set_title(f"generated, step {step:,}")
        _scatter(axes[-1], target, target, DATA)
        axes[-1].set_title("target")
        for axis in axes:
            axis.set_xlabel(columns[0])
        axes[0].set_ylabel(columns[1])
        return save(figure, folder, "samples")


def animate(frames: dict[int, np.ndarray], target: np.ndarray, columns: tuple[str, ...], folder: Path) -> Path:
    """A GIF of the generated points through training, over the target in the background."""
    with style():
        figure, (axis,) = panels(1, 1, 4.2, 4.4)
        steps = list(frames)
        axis.scatter(target[:, 0], target[:, 1], s=3, color=DATA, alpha=0.25, linewidths=0, label="target")
        moving = axis.scatter([], [], s=4, color=MODEL, alpha=0.7, linewidths=0, label="generated")
        _frame(axis, target)
        axis.set_xlabel(columns[0])
        axis.set_ylabel(columns[1])
        axis.legend(loc="upper right", markerscale=3)
        title = axis.set_title("step 0")

        def show(index: int) -> tuple:
            moving.set_offsets(frames[steps[index]])
            title.set_text(f"step {steps[index]:,}")
            return moving, title

        path = folder / "evolution.gif"
        with TemporaryDirectory() as made, whole(path) as beside:
            gif = Path(made) / path.name  # whose ending says the format
            FuncAnimation(figure, show, frames=len(steps)).save(gif, writer=PillowWriter(fps=12), dpi=90)
            shutil.move(gif, beside)
        return path


def _scatter(axis: Axes, points: np.ndarray, target: np.ndarray, colour: str) -> None:
    axis.scatter(points[:, 0], points[:, 1], s=2, color=colour, alpha=0.5, linewidths=0, rasterized=True)
    _frame(axis, target)
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    x, y = points[:, 0], points[:, 1]
    if np.mean((x < left) | (x > right) | (y < bottom) | (y > top)) > _OUTSIDE:
        axis.autoscale(True)  # most of a far start would be out of sight
        axis.set_aspect("auto")
        axis.autoscale_view()


def _frame(axis: Axes, target: np.ndarray) -> None:
    """The target's extent with a margin; the same length on both axes where the columns share a unit."""
    low, high = np.quantile(target, [0.001, 0.999], axis=0)
    high = np.where(high > low, high, low + 1)  # a constant column
    margin = 0.2 * (high - low)
    axis.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axis.set_ylim(low[1] - margin[1], high[1] + margin[1])
    ratio = (high[1] - low[1]) / (high[0] - low[0])
    if 1 / 8 < ratio < 8:
        axis.set_aspect("equal")
