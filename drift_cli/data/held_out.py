"""The part of a finite set that is held out of training and used for judging."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Annotated

import numpy as np

from drift_cli.errors import UserError
from drift_cli.rules import between
from drift_cli.setting import Setting

HeldOut = Annotated[
    float,
    Setting(
        "share of each class that is held out of training and used for judging", (partial(between, low=0.0, high=0.9),)
    ),
]


def split(points: np.ndarray, classes: np.ndarray | None, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The rows to train on and those held out, each in their order; `share` of every class, rounded.

    A function of the points [n, d] alone, not of a run's seed: two runs on the same data hold out the same rows. Raises
    `UserError` where a class would have fewer than two rows left to train on, or none held out.
    """
    rows = np.arange(len(points))
    if share == 0:
        return rows, rows[:0]
    seed = int.from_bytes(hashlib.sha256(np.ascontiguousarray(points).tobytes()).digest()[:8], "little")
    shuffled = np.random.default_rng(seed).permutation(rows)
    classes = np.zeros(len(points), dtype=np.int64) if classes is None else classes
    out = np.zeros(len(points), dtype=bool)
    for label in np.unique(classes):
        own = shuffled[classes[shuffled] == label]
        count = round(share * len(own))
        if count == 0 or len(own) - count < 2:
            raise UserError(
                f"dataset.held_out={share:g} holds out {count} of the {len(own)} rows of class {label}: a class needs "
                "at least one held-out row and two training rows. Choose another share, or 0."
            )
        out[own[:count]] = True
    return rows[~out], rows[out]
