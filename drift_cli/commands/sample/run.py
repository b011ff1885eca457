"""`drift sample`: draw samples from a trained run, reproducible by seed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from drift_cli.commands.sample.settings import SampleConfig
from drift_cli.console import make as make_console
from drift_cli.data import tables
from drift_cli.errors import UserError
from drift_cli.memory import counted_by
from drift_cli.trained import load


def run(config: SampleConfig, path: Path) -> list[Path]:
    """Write `n` samples to `out`, in the data's units; returns the files written."""
    out = Path(config.out)
    if out.suffix.lower() not in tables.WRITABLE:
        raise UserError(f'out must end in {", ".join(tables.WRITABLE)}, got "{config.out}".')
    trained = load(config.run, ema=config.ema, device=config.device)
    with counted_by("n", config.n):
        found = trained.sample(config.n, config.seed, config.label, config.condition, config.guidance)
    space = trained.space
    points = found.points.numpy()
    if not np.isfinite(points).all():
        raise UserError(f"{config.run} generates non-finite values: the run had diverged; use an earlier checkpoint.")
    console = make_console()
    if (count := trained.generator.count) is not None and config.n > count:
        console.print(f"note: {count} particles give {config.n} samples by repetition", highlight=False)
    if space.image and out.suffix.lower() == ".npy":
        points = points.reshape(len(points), *space.image)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        written = tables.write(out, points, space.columns, None if found.labels is None else found.labels.numpy())
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise UserError(f"{out} cannot be written: {why}.") from error
    for file in written:
        console.print(f"{file}", highlight=False, soft_wrap=True)
    return written
