"""Classes as users write them, numbers or words, as the numbers from 0 that training takes."""

from __future__ import annotations

import numpy as np


def class_codes(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """The classes [n] in int64, and their names in sorted order; None where they are numbers from 0 already."""
    kinds, codes = np.unique(values, return_inverse=True)
    counted = kinds.dtype.kind in "iu" and np.array_equal(kinds, np.arange(len(kinds)))
    return codes.reshape(-1).astype(np.int64), None if counted else tuple(map(str, kinds.tolist()))
