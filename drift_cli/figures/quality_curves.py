"""Accuracy and Fréchet distance over the steps of a run of images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drift_cli.figures.style import FLOOR, MODEL, panels, save, style


def draw(rows: list[dict[str, Any]], floors: dict[str, Any], folder: Path) -> Path:
    """Of the rows that have a `frechet`; `floors` has `accuracy_floor` and `frechet_floor` of as many images.

    Without labels there is only one panel, without accuracy.
    """
    rows = [row for row in rows if row.get("frechet") is not None]
    labelled = any(row.get("accuracy") is not None for row in rows)
    shown = [("frechet", "Fréchet distance (judge's features)", "log")]
    if labelled:
        shown.insert(0, ("accuracy", "share recognised by the judge", "linear"))
    with style():
        figure, axes = panels(1, len(shown), 3.4, 2.8)
        for axis, (key, label, scale) in zip(axes, shown, strict=True):
            axis.plot([row["step"] for row in rows], [row[key] for row in rows], color=MODEL)
            axis.axhline(floors[f"{key}_floor"], color=FLOOR, linestyle="--", label="unseen real images")
            axis.set_yscale(scale)
            axis.set_xlabel("training step")
            axis.set_ylabel(label)
            axis.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
        if labelled:
            axes[0].set_ylim(0, 1.03)
        return save(figure, folder, "quality")
