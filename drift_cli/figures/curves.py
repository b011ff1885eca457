"""Loss, drift norm and sliced Wasserstein distance over the steps of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drift_cli.figures.style import DATA, FLOOR, MODEL, panels, save, style


def draw(
    rows: list[dict[str, Any]], drift_norm_floor: float | None, tol: float | None, pixels: bool, folder: Path
) -> Path:
    """Three panels on a logarithmic scale; those that have a floor show it.

    A fourth has the marginal error of a drift by transport, whose plans should end below `tol`. Lengths are in units of
    the training space, where the data's size is about 1; SW of images is in pixel intensity.
    """
    sw_unit = "pixel intensity" if pixels else "data size"
    steps = [row["step"] for row in rows]
    with style():
        figure, axes = panels(1, 3, 3.2, 2.8) if tol is None else panels(2, 2, 3.8, 2.8)
        axes[0].plot(steps, [row["loss"] for row in rows], color=DATA)
        axes[0].set_ylabel("loss, mean |V|² (data size²)")
        axes[1].plot(steps, [row["drift_norm"] for row in rows], color=DATA)
        if drift_norm_floor is not None:
            axes[1].axhline(drift_norm_floor, color=FLOOR, linestyle="--", label="floor: at q = p")
        axes[1].set_ylabel("drift norm, mean |V| (data size)")
        axes[2].plot(steps, [row["sw"] for row in rows], color=MODEL)
        axes[2].axhline(rows[-1]["sw_floor"], color=FLOOR, linestyle="--", label="floor: target against target")
        axes[2].set_ylabel(f"SW-2 ({sw_unit})")
        if tol is not None:
            axes[3].plot(steps, [row["marginal_error"] for row in rows], color=DATA)
            axes[3].axhline(tol, color=FLOOR, linestyle="--", label="drift.tol: above it a plan was cut short")
            axes[3].set_ylabel("marginal error, worst plan (mass)")
        for axis in axes:
            axis.set_yscale("log")
            axis.set_xlabel("training step")
            if axis.get_legend_handles_labels()[0]:  # above the panel, where no curve runs
                axis.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
        return save(figure, folder, "curves")
