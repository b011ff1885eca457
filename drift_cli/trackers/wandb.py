"""Weights & Biases, offline unless WANDB_MODE says otherwise: `wandb sync RUN/wandb/offline-run-*` sends it later."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import wandb

from drift_cli.trackers.base import Start


class Wandb:
    def __init__(self, start: Start) -> None:
        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "drift"),
            name=start.folder.name,
            dir=str(start.folder),
            mode=os.environ.get("WANDB_MODE", "offline"),
            config={**start.about, **start.settings},
            settings=wandb.Settings(silent=True, console="off", symlink=False),  # a run folder holds no links
        )

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        self.run.log(dict(numbers), step=step)

    def finish(self, step: int, numbers: Mapping[str, float], figures: Mapping[str, Path]) -> None:
        self.run.summary.update(dict(numbers))
        images = {name: wandb.Image(str(figure)) for name, figure in figures.items() if figure.suffix == ".png"}
        if images:
            self.run.log(images, step=step)
        self.run.finish()
