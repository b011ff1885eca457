"""Figures that are empty: to draw them is half of a short run, and most tests do not look at them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

BLANK = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP6DwABBQECz6AuzQAAAABJRU5ErkJggg==")


@contextmanager
def blank_figures() -> Iterator[None]:
    """One pixel and no shape in the place of what matplotlib would draw."""

    def written(figure: Figure, file: Path, *, format: str, **_: Any) -> None:
        file.write_bytes(BLANK if format == "png" else b"<svg></svg>\n")

    drawn, Figure.savefig = Figure.savefig, written  # type: ignore[method-assign]
    try:
        yield
    finally:
        Figure.savefig = drawn  # type: ignore[method-assign]
