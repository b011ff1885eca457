"""TensorBoard: event files in the run's own folder, `tensorboard --logdir outputs/train` shows all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from drift_cli.trackers.base import Start


class Tensorboard:
    def __init__(self, start: Start) -> None:
        purge = start.step + 1 if start.step else None  # what was told of later steps is told again
        self.writer = SummaryWriter(str(start.folder / "tensorboard"), purge_step=purge)
        lines = (f"{key}: {value}" for key, value in {**start.about, **start.settings}.items())
        self.writer.add_text("settings", "\n".join(f"    {line}" for line in lines), start.step)

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            self.writer.add_scalar(name, value, step)

    def finish(self, step: int, numbers: Mapping[str, float], figures: Mapping[str, Path]) -> None:
        self.log(step, {f"summary/{name}": value for name, value in numbers.items()})
        for name, figure in figures.items():
            if figure.suffix == ".png":
                with Image.open(figure) as image:
                    self.writer.add_image(name, np.asarray(image.convert("RGB")), step, dataformats="HWC")
        self.writer.close()
