"""The user's own images as a finite target: an array in a NumPy file, or a folder of PNG and JPEG files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from drift_cli.data.held_out import HeldOut
from drift_cli.data.image_files import read
from drift_cli.data.labelled_images import LabelledImages, Labels, as_target
from drift_cli.data.target import Finite
from drift_cli.errors import UserError
from drift_cli.setting import Setting

_NAMED = 20  # classes named in one line


@dataclass(frozen=True)
class Images:
    path: Annotated[
        str, Setting("an .npz or .npy file, or a folder of PNG and JPEG files, a sub-folder for each class")
    ]
    labels: Labels = False
    held_out: HeldOut = 0.0

    @staticmethod
    def settled(path: str, **_: object) -> dict[str, str]:
        """The file's whole name, so that the run can be resumed from anywhere."""
        return {"path": str(Path(path).expanduser().absolute())}

    def images(self) -> LabelledImages:
        found = read(Path(self.path))
        if self.labels and found.labels is None:
            raise UserError(
                f"dataset.labels=true needs classes, and {self.path} has none: give a sub-folder for each class, an "
                "array `labels` in the .npz, or a file <name>.labels.npy beside the .npy."
            )
        return found

    def target(self) -> Finite:
        images = self.images()
        return as_target(images, labels=self.labels, held_out=self.held_out, notes=(f"{self.path}: {_told(images)}",))


def _told(images: LabelledImages) -> str:
    """What was read, in one line."""
    told = f"{len(images.pixels):,} images of {' × '.join(map(str, images.shape))}"
    if images.labels is None:
        return f"{told}, no classes"
    count = int(images.labels.max()) + 1
    names = images.names or tuple(map(str, range(count)))
    return f"{told}, {count} classes: {', '.join(names[:_NAMED])}" + (", …" if count > _NAMED else "")
