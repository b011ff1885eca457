"""The user's own points."""

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
from drift_cli.data.limit import LIMIT, Limit
from drift_cli.data.space import Space
from drift_cli.data.tables import Table, read
from drift_cli.data.target import Finite
from drift_cli.errors import UserError, did_you_mean
from drift_cli.learned import content_hash
from drift_cli.rules import one_of, positive
from drift_cli.setting import Checked, Setting


@dataclass(frozen=True)
class Array(Checked):
    """The user's own points as a finite target, each column centred and scaled to the same size.

    Raises `UserError` for a file that cannot be read as one.
    """

    path: Annotated[str, Setting("the file")]
    columns: Annotated[tuple[str, ...] | None, Setting("which columns, by name; null: all")] = None
    header: Annotated[bool | None, Setting("of a .csv: whether its first line names the columns; null: guessed")] = None
    separator: Annotated[
        str | None,
        Setting("separator between the cells of a .csv; null: guessed", (partial(one_of, choices=tuple(SEPARATORS)),)),
    ] = None
    decimal: Annotated[
        str | None, Setting("decimal mark of a .csv; null: guessed", (partial(one_of, choices=tuple(DECIMALS)),))
    ] = None
    labels: Annotated[
        str | None, Setting("the column of integers or words that gives the class (not a coordinate); null: no classes")
    ] = None
    condition: Annotated[
        tuple[str, ...] | None,
        Setting("columns given to the generator as a condition, not generated, as [dose,age]; null: none"),
    ] = None
    condition_bandwidth: Annotated[
        float, Setting("kernel bandwidth on the condition, relative to that on the points", (positive,))
    ] = 1.0
    held_out: HeldOut = 0.0
    index: Annotated[
        str | None, Setting("the column that only numbers the rows, omitted; none: no such column; null: guessed")
    ] = None
    limit: Limit = LIMIT

    @staticmethod
    def settled(path: str, **_: object) -> dict[str, str]:
        """The file's whole name, so that the run can be resumed from anywhere."""
        return {"path": str(Path(path).expanduser().absolute())}

    def target(self) -> Finite:
        """The rows of the file; rows that are images keep one unit for all pixels."""
        asked = Asked(self.header, self.separator, self.decimal)
        wanted = None if self.columns is None else list(dict.fromkeys((*self.columns, *(self.condition or ()))))
        table = read(Path(self.path), wanted, asked, self.index, self.labels, self.limit)
        if self.condition is not None:
            table = _with_condition_last(table, self.condition, self.path)
        codes, names = (None, None) if table.classes is None else class_codes(table.classes)
        trained, out = split(table.points, codes, self.held_out)
        if self.condition is not None:
            bandwidth = self.condition_bandwidth
            space = Space.of_pairs(table.points[trained], table.columns, len(self.condition), bandwidth)
        elif table.image is None:
            space = Space.of_columns(table.points[trained], table.columns)
        else:
            space = Space.of_images(table.points[trained], table.image, None)
        if codes is not None:
            frequencies = tuple((np.bincount(codes[trained]) / len(trained)).tolist())
            space = replace(space, class_frequencies=frequencies, class_names=names)

        parts = (table.points, codes) if codes is not None else (table.points,)
        content = content_hash(table.columns, *map(torch.from_numpy, parts))

        def part(rows: np.ndarray, apart: Finite | None, notes: tuple[str, ...] = ()) -> Finite:
            classes = None if codes is None else torch.from_numpy(codes[rows])
            points = torch.from_numpy(space.from_units(table.points[rows]))
            return Finite(points, classes, space, notes, classes, apart, content)

        told = f"{self.path}: {table.told}{told_classes(codes, names)}"
        return part(trained, part(out, None) if len(out) else None, (told, *table.guesses))


def _with_condition_last(table: Table, condition: tuple[str, ...], path: str) -> Table:
    """The table with the columns of the condition behind the others."""
    for name in condition:
        if name not in table.columns:
            near = did_you_mean(name, table.columns)
            raise UserError(f'dataset.condition must name columns of {path}, got "{name}".{near}')
        if condition.count(name) > 1:
            raise UserError(f'dataset.condition must name different columns, got "{name}" twice.')
    columns = (*(name for name in table.columns if name not in condition), *condition)
    if len(columns) == len(condition):
        raise UserError(f"dataset.condition names every column of {path}: at least one must remain to be generated.")
    return replace(
        table, points=table.points[:, [table.columns.index(name) for name in columns]], columns=columns, image=None
    )
