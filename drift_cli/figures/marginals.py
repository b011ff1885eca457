"""Histograms of every column: the data's and the generated samples'."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from drift_cli.figures.style import DATA, MODEL, panels, save, style

_MOST = 24  # columns drawn


def draw(columns: tuple[str, ...], data: np.ndarray, generated: np.ndarray, folder: Path) -> Path:
    """Densities per column, in the data's units; the first 24 columns."""
    shown = columns[:_MOST]
    across = min(4, len(shown))
    with style():
        figure, axes = panels(math.ceil(len(shown) / across), across, 2.6, 2.2)
        for k, (axis, name) in enumerate(zip(axes, shown, strict=False)):
            edges = np.histogram_bin_edges(np.concatenate([data[:, k], generated[:, k]]), bins=50).tolist()
            axis.hist(data[:, k], edges, density=True, color=DATA, alpha=0.35, label="data")
            axis.hist(generated[:, k], edges, density=True, color=MODEL, histtype="step", lw=1.5, label="generated")
            axis.set_xlabel(name)
        for axis in axes[len(shown) :]:
            axis.set_axis_off()
        axes[0].set_ylabel("density")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
        return save(figure, folder, "marginals")
