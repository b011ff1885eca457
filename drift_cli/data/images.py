"""The user's own images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from drift_cli.data.class_codes import told_classes
from drift_cli.data.held_out import HeldOut
from drift_cli.data.image_files import read
from drift_cli.data.labelled_images import LabelledImages, Labels, as_target
from drift_cli.data.limit import LIMIT, Limit
from drift_cli.data.target import Finite
from drift_cli.errors import UserError
from drift_cli.setting import Checked, Setting, before


@dataclass(frozen=True)
class Images(Checked):
    """The user's own images as a finite target: an array in a NumPy file, or a folder of PNG and JPEG files."""

    path: Annotated[
        str, Setting("an .npz or .npy file, or a folder of PNG and JPEG files, with one sub-folder per class")
    ]
    labels: Labels = False
    held_out: HeldOut = before(default=0.0)
    limit: Limit = LIMIT

    @staticmethod
    def settled(path: str, **_: object) -> dict[str, str]:
        """The file's whole name, so that the run can be resumed from anywhere."""
        return {"path": str(Path(path).expanduser().absolute())}

    def images(self) -> LabelledImages:
        found = read(Path(self.path), self.limit)
        if self.labels and found.labels is None:
            raise UserError(
                f"dataset.labels=true needs classes, and {self.path} has none: give a sub-folder for each class, an "
                "array `labels` in the .npz, or a file <name>.labels.npy next to the .npy."
            )
        return found

    def target(self) -> Finite:
        images = self.images()
        size = " × ".join(map(str, images.shape))
        told = f"{self.path}: {len(images.pixels):,} images of {size}{told_classes(images.labels, images.names)}"
        return as_target(images, labels=self.labels, held_out=self.held_out, notes=(told,))
