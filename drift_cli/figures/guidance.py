"""Guidance against fidelity and spread: what a stronger pull to the class gains, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drift_cli.figures.style import DATA, FLOOR, LINE_STYLES, MODEL, log_ticks, panels, save, style


def draw(rows: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """Each row is one strength: `guidance`, and `accuracy`, `frechet`, `spread`, `coverage` with their `…_floor`s, as
    `ImageQuality.flat` names them. One panel for what has no unit, one for the Fréchet distance."""
    rows = sorted(rows, key=lambda row: row["guidance"])
    strength = [row["guidance"] for row in rows]
    shares = (("accuracy", "accuracy", MODEL), ("coverage", "coverage", DATA), ("spread", "within-class spread", "k"))
    with style():
        figure, axes = panels(1, 2, 3.6, 3.0)
        for (key, label, colour), dashes, marker in zip(shares, LINE_STYLES, "os^", strict=False):
            axes[0].plot(strength, [row[key] for row in rows], dashes, marker=marker, color=colour, label=label)
        axes[0].set_ylabel("share of images, or of the real variance")
        axes[0].set_ylim(bottom=0)
        axes[0].axhline(1, color=FLOOR, linewidth=0.8)
        axes[0].legend(loc="lower left")
        axes[1].plot(strength, [row["frechet"] for row in rows], marker="o", color=MODEL, label="generated")
        if (floor := rows[0].get("frechet_floor")) is not None:
            axes[1].axhline(floor, color=FLOOR, linestyle="--", label="unseen real images")
        axes[1].set_yscale("log")
        axes[1].set_ylabel("Fréchet distance (judge's features)")
        axes[1].legend(loc="upper right")
        for axis in axes:
            axis.set_xlabel("guidance α")
        log_ticks(axes[1].yaxis)
        return save(figure, folder, "guidance")
