"""The correlation of two quantities along training runs, with an interval that respects their order (ours).

Neighbouring points of a run are not independent, so that whole blocks of them are drawn again: the circular block
bootstrap, within each run, after runs have been drawn with replacement where there are several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST = 5  # points of a run below which no correlation is stated
_BLOCK = 4
_REPLICATES = 2000


@dataclass(frozen=True)
class Correlation:
    """Pearson's r of the points of all runs, and the ends of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def log_log(x: Sequence[np.ndarray], y: Sequence[np.ndarray], seed: int) -> Correlation | None:
    """Pearson's r of log x and log y, one array of positive values per run.

    None where no run has `LEAST` points, or where nothing varies.
    """
    runs = [np.log(np.stack([a, b])) for a, b in zip(x, y, strict=True) if len(a) >= LEAST]
    if not runs:
        return None
    value = _pearson(np.concatenate(runs, axis=1))
    random = np.random.default_rng(seed)
    replicates = []
    for _ in range(_REPLICATES):
        drawn = [runs[k] for k in random.integers(len(runs), size=len(runs))]
        replicates.append(_pearson(np.concatenate([_blocks(run, random) for run in drawn], axis=1)))
    found = np.array(replicates)[np.isfinite(replicates)]
    if not np.isfinite(value) or len(found) < _REPLICATES // 2:
        return None
    low, high = np.quantile(found, [0.025, 0.975])
    return Correlation(value, float(low), float(high))


def _blocks(run: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As many points of a run [2, n], in blocks of neighbours that wrap around its end."""
    n = run.shape[1]
    starts = random.integers(n, size=-(-n // _BLOCK))
    return run[:, (starts[:, None] + np.arange(_BLOCK)).ravel()[:n] % n]


def _pearson(points: np.ndarray) -> float:
    centred = points - points.mean(axis=1, keepdims=True)
    scale = float(np.sqrt((centred[0] @ centred[0]) * (centred[1] @ centred[1])))
    return float(centred[0] @ centred[1] / scale) if scale > 0 else np.nan
