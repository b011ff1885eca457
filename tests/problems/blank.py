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

    def written(figure: Figure, file: Any, *, format: str, **others: Any) -> None:
        if isinstance(file, Path):
            file.write_bytes(BLANK if format == "png" else b"<svg></svg>\n")
        else:  # a frame of a film
            drawn(figure, file, format=format, **others)

    drawn, Figure.savefig = Figure.savefig, written  # type: ignore[method-assign]
    try:
        yield
    finally:
        Figure.savefig = drawn  # type: ignore[method-assign]
