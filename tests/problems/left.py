"""What a study leaves behind: tables that hold something, and figures that show something."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def tables(data: Path, expected: Mapping[str, tuple[str, int]]) -> dict[str, dict[str, np.ndarray]]:
    """The columns of each CSV file in a folder: numbers, or words.

    The folder holds the files expected and no others, each with that header and as many rows.
    """
    assert {each.name for each in data.iterdir()} == {f"{name}.csv" for name in expected}
    return {name: _columns(data / f"{name}.csv", header, rows) for name, (header, rows) in expected.items()}


def assert_drawn(figures: Path, *names: str) -> None:
    """The folder holds these figures and no others, each as a picture with ink and as a drawing with words."""
    assert {each.name for each in figures.iterdir()} == {f"{name}.{end}" for name in names for end in ("png", "svg")}
    for name in names:
        assert np.asarray(Image.open(figures / f"{name}.png").convert("L")).std() > 5, name
        drawing = (figures / f"{name}.svg").read_text()
        assert drawing.startswith("<?xml"), name
        assert "</text>" in drawing, name


def _columns(file: Path, header: str, rows: int) -> dict[str, np.ndarray]:
    with file.open(newline="") as lines:
        names, *found = csv.reader(lines)
    assert ",".join(names) == header, file.name
    assert len(found) == rows, file.name
    return {name: _numbers(np.array(column)) for name, column in zip(names, zip(*found, strict=True), strict=True)}


def _numbers(column: np.ndarray) -> np.ndarray:
    try:
        return column.astype(float)
    except ValueError:
        return column
