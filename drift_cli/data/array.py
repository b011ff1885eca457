"""The user's own points as a finite target, each column centred and scaled to the same size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import torch

from drift_cli.data.dialect import DECIMALS, SEPARATORS, Asked
from drift_cli.data.held_out import HeldOut, split
from drift_cli.data.space import Space
from drift_cli.data.tables import read
from drift_cli.data.target import Finite
from drift_cli.rules import one_of
from drift_cli.setting import Setting


@dataclass(frozen=True)
class Array:
    path: Annotated[str, Setting("the file")]
    columns: Annotated[tuple[str, ...] | None, Setting("which columns, by name; null: all")] = None
    header: Annotated[bool | None, Setting("of a .csv: whether its first line names the columns; null: guessed")] = None
    separator: Annotated[
        str | None, Setting("between the cells of a .csv; null: guessed", (partial(one_of, choices=tuple(SEPARATORS)),))
    ] = None
    decimal: Annotated[
        str | None, Setting("of its numbers; null: guessed", (partial(one_of, choices=tuple(DECIMALS)),))
    ] = None
    held_out: HeldOut = 0.0
    index: Annotated[
        str | None, Setting("the column that only numbers the rows, left out; none: no column does; null: guessed")
    ] = None

    @staticmethod
    def settled(path: str, **_: object) -> dict[str, str]:
        """The file's whole name, so that the run can be resumed from anywhere."""
        return {"path": str(Path(path).expanduser().absolute())}

    def target(self) -> Finite:
        """The rows of the file; rows that are images keep one unit for all pixels."""
        asked = Asked(self.header, self.separator, self.decimal)
        table = read(Path(self.path), None if self.columns is None else list(self.columns), asked, self.index)
        trained, out = split(table.points, None, self.held_out)
        if table.image is None:
            space = Space.of_columns(table.points[trained], table.columns)
        else:
            space = Space.of_images(table.points[trained], table.image, None)
        notes = (f"{self.path}: {table.told}", *table.guesses)
        points, apart = (torch.from_numpy(space.from_units(table.points[rows])) for rows in (trained, out))
        return Finite(points, None, space, notes, held_out=Finite(apart, None, space) if len(out) else None)
