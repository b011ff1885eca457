"""Classes as users write them, numbers or words, as the numbers from 0 that training takes."""

from __future__ import annotations

import numpy as np

_NAMED = 20  # classes named in one line


def class_codes(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """The classes [n] in int64, and their names in sorted order; None where they are numbers from 0 already."""
    kinds, codes = np.unique(values, return_inverse=True)
    counted = kinds.dtype.kind in "iu" and np.array_equal(kinds, np.arange(len(kinds)))
    return codes.reshape(-1).astype(np.int64), None if counted else tuple(map(str, kinds.tolist()))


def told_classes(codes: np.ndarray | None, names: tuple[str, ...] | None) -> str:
    """What follows "1,000 rows" in one line: how many classes there are, and their names."""
    if codes is None:
        return ""
    count = int(codes.max()) + 1
    named = (names or tuple(map(str, range(count))))[:_NAMED]
    return f"; {count} classes: {', '.join(named)}" + (", …" if count > _NAMED else "")
