"""A small run, as a user would start it: seconds to train, everything written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from drift_cli.shell.cli import main

SMALL = (
    "batch_size=64",
    "steps=12",
    "evaluation.every=4",
    "evaluation.points=100",
    "evaluation.large_points=200",
    "evaluation.draws=2",
    "checkpoint.every=4",
    "device=cpu",
    "threads=1",
)


def train(folder: Path, *settings: str, network: bool = True) -> int:
    """`drift train` with the small settings into `folder`; the exit status. `network`: make the MLP small too."""
    widths = ["generator.widths=[16]"] if network else []
    return main(["train", *SMALL, *widths, f"hydra.run.dir={folder}", *settings])


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The logged rows without their timings."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    timings = ("seconds", "steps_per_second")
    return [{key: value for key, value in row.items() if key not in timings} for row in rows]
