"""What a command leaves behind: tables that hold something, and figures that show something."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image


def table(file: Path, header: str, rows: int) -> dict[str, np.ndarray]:
    """The columns of a CSV file, which are those of `header`, in its order, and of that length: numbers, or words."""
    with file.open(newline="") as lines:
        found = list(csv.reader(lines))
    assert ",".join(found[0]) == header
    assert len(found) == rows + 1
    return {
        name: _numbers(np.array(column)) for name, column in zip(found[0], zip(*found[1:], strict=True), strict=True)
    }


def assert_drawn(figures: Path, *names: str) -> None:
    """The folder holds these figures and no others, each as a picture with ink and as a drawing with words."""
    assert {each.name for each in figures.iterdir()} == {f"{name}.{end}" for name in names for end in ("png", "svg")}
    for name in names:
        assert np.asarray(Image.open(figures / f"{name}.png").convert("L")).std() > 5, name
        drawing = (figures / f"{name}.svg").read_text()
        assert drawing.startswith("<?xml"), name
        assert "</text>" in drawing, name


def _numbers(column: np.ndarray) -> np.ndarray:
    try:
        return column.astype(float)
    except ValueError:
        return column
