"""The user's own points as a finite target, each column centred and scaled to the same size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch

from drift_cli.data.class_codes import class_codes, told_classes
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
    labels: Annotated[
        str | None, Setting("the column of integers or words that is the class, and no coordinate; null: no classes")
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
        wanted = None if self.columns is None else list(self.columns)
        table = read(Path(self.path), wanted, asked, self.index, self.labels)
        codes, names = (None, None) if table.classes is None else class_codes(table.classes)
        trained, out = split(table.points, codes, self.held_out)
        if table.image is None:
            space = Space.of_columns(table.points[trained], table.columns)
        else:
            space = Space.of_images(table.points[trained], table.image, None)
        if codes is not None:
            frequencies = tuple((np.bincount(codes[trained]) / len(trained)).tolist())
            space = replace(space, class_frequencies=frequencies, class_names=names)

        def part(rows: np.ndarray, apart: Finite | None, notes: tuple[str, ...] = ()) -> Finite:
            classes = None if codes is None else torch.from_numpy(codes[rows])
            return Finite(torch.from_numpy(space.from_units(table.points[rows])), classes, space, notes, classes, apart)

        told = f"{self.path}: {table.told}{told_classes(codes, names)}"
        return part(trained, part(out, None) if len(out) else None, (told, *table.guesses))
