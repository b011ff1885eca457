"""The user's own points as a finite target, each column centred and scaled to the same size."""

from __future__ import annotations

from pathlib import Path

import torch

from drift_cli.data.space import Space
from drift_cli.data.tables import read
from drift_cli.data.target import Finite


def as_target(path: Path, columns: list[str] | None) -> Finite:
    """The rows of the file; rows that are images keep one unit for all pixels."""
    table = read(path, columns)
    if table.image is None:
        space = Space.of_columns(table.points, table.columns)
    else:
        space = Space.of_images(table.points, table.image, None)
    return Finite(torch.from_numpy(space.from_units(table.points)), None, space)
