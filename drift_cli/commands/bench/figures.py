"""Time of one drift against the number of points, per dimension and contestant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drift_cli.figures.style import DATA, FLOOR, MODEL, panels, save, style

_LOOKS = {
    "ours": (MODEL, "-", "o"),
    "naive": (DATA, "--", "s"),
    "naive_inplace": ("#56B4E9", "-.", "^"),
    "official": (DATA, ":", "D"),
    "keops": ("#009E73", "--", "v"),
    "drift_models": (FLOOR, ":", "x"),
}


def draw(rows: list[dict[str, Any]], folder: Path) -> Path:
    """One panel per (operator, dimension), both axes logarithmic."""
    cells = list(dict.fromkeys((row["what"], row["d"]) for row in rows))
    with style():
        figure, axes = panels(1, len(cells), 2.7, 2.8)
        for axis, (what, d) in zip(axes, cells, strict=True):
            for who, (colour, line, marker) in _LOOKS.items():
                points = [
                    (row["n"], row["ms"]) for row in rows if (row["what"], row["d"], row["who"]) == (what, d, who)
                ]
                if points:
                    axis.plot(*zip(*points, strict=True), color=colour, linestyle=line, marker=marker, ms=4, label=who)
            axis.set_xscale("log", base=2)
            axis.set_yscale("log")
            axis.set_xlabel("points N (= M)")
            axis.set_title(f"{what}, d = {d}")
        axes[0].set_ylabel("one drift (ms)")
        shown = {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
        figure.legend(shown.values(), shown.keys(), loc="outside upper center", ncols=3)
        return save(figure, folder, "bench")
