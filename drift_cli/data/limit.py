"""The limit on what is read from a file: a few kilobytes can unpack to more numbers than fit into memory."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from drift_cli.errors import UserError
from drift_cli.rules import at_least
from drift_cli.setting import Setting

LIMIT = 250_000_000  # two gigabytes of them, as they are computed with

Limit = Annotated[
    int,
    Setting(
        "largest number of values to read, columns times rows: a small file can unpack to a huge one",
        (partial(at_least, least=1),),
    ),
]


def check_limit(path: Path, numbers: int, limit: int) -> None:
    """Raise `UserError` where `path` unpacks to more than `limit` numbers; to be called before it is unpacked."""
    if numbers > limit:
        raise UserError(
            f"{path} unpacks to {numbers:,} numbers ({8e-9 * numbers:.3g} GB in memory), above the limit of "
            f"{limit:,}: make it smaller, or raise dataset.limit if there is enough memory."
        )
