"""Small pictures that cost nothing to learn from: a bright disc somewhere on a dark ground."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def discs(n: int, height: int = 12, width: int = 10, seed: int = 0) -> np.ndarray:
    """[n, height, width] from 0 to 1."""
    rng = np.random.default_rng(seed)
    centre = np.stack([rng.uniform(3, side - 4, n) for side in (height, width)], axis=1)
    rows, columns = np.mgrid[:height, :width]
    away = (rows - centre[:, :1, None]) ** 2 + (columns - centre[:, 1:, None]) ** 2
    return np.exp(-away / 4)


def kept_discs(folder: Path, n: int = 400) -> Path:
    """A file of them for `dataset=array`."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "discs.npy", discs(n))
    return folder / "discs.npy"
