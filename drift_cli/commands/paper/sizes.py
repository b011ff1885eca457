"""Results of a reproduction at the other sizes: finished parts of the same folder, or committed results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import drift_cli
from drift_cli.commands.paper.parts import FINISHED, Part
from drift_cli.files import read_json
from drift_cli.report.experiments import SIZES, Experiment

Measured = list[tuple[str, dict[str, float]]]


def _kept_results() -> Path | None:
    """docs/results of a checkout, where reference runs are kept by size; an installed package has none."""
    place = Path(drift_cli.__file__).parent.parent / "docs" / "results"
    return place if place.is_dir() else None


def beside(experiments: Sequence[Experiment], size: str, out: Path, kept: Path | None) -> dict[str, Measured]:
    """Command and summary of every finished part of every size but `size`.

    A part is taken from the first of these that holds it whole, made with the settings of its size: `out`/<size>, where
    the command puts them, `kept`/<size>, and docs/results/<size> of a checkout.
    """
    folders = [folder for folder in (out, kept, _kept_results()) if folder is not None]
    return {other: _at(experiments, other, folders) for other in SIZES if other != size}


def _at(experiments: Sequence[Experiment], size: str, folders: Sequence[Path]) -> Measured:
    found = []
    for each in experiments:
        places = (folder / size / each.name for folder in folders)
        finished = [place for place in places if Part(each, size, place).state() == FINISHED]
        if finished:
            found.append((each.command, read_json(finished[0] / "summary.json")))
    return found
