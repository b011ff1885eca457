"""`drift train`: its figures, drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.problems.runs import train

DRAWN = True


def test_figures_are_pictures_with_ink(tmp_path: Path) -> None:
    assert train(tmp_path, "animate=true") == 0
    for name in ("samples", "curves"):
        picture = np.asarray(Image.open(tmp_path / f"figures/{name}.png").convert("L"))
        assert picture.std() > 5
        assert (tmp_path / f"figures/{name}.svg").read_text().startswith("<?xml")
    with Image.open(tmp_path / "figures/evolution.gif") as movie:
        assert movie.n_frames > 5
