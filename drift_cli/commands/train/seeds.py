"""The same run with several seeds, each in its own folder, and the means of their numbers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from drift_cli.errors import UserError
from drift_cli.files import read_json, write_json
from drift_cli.runs import made_folders
from drift_cli.runs.asked import asked
from drift_cli.runs.folder import RunFolder
from drift_cli.training.settings import TrainConfig


def each(config: TrainConfig, path: Path, run: Callable[[TrainConfig, Path], Any]) -> dict[str, float]:
    """Run `path`/seed_<k> for every k of `config.seeds`: finished ones are kept, others are resumed.

    The means are of what every run has as a number. Raises `UserError` where the folder has runs of other settings.
    """
    _refuse_another(config, path)
    folders = {seed: RunFolder(path / f"seed_{seed}") for seed in config.seeds or ()}
    for seed, folder in folders.items():
        if not folder.is_finished:
            resume = str(folder.path) if folder.is_run else None
            run(replace(config, seed=seed, seeds=None, resume=resume), folder.path)
    found = [read_json(folder.summary) for folder in folders.values()]
    means = {key: statistics.fmean(summary[key] for summary in found) for key in _numbers(found)}
    write_json(path / "summary.json", means | {"seeds": list(folders)})
    return means


def _numbers(found: list[dict[str, Any]]) -> list[str]:
    """The keys under which every summary has a number."""
    return [key for key in found[0] if key != "seed" and all(_is_number(summary.get(key)) for summary in found)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _refuse_another(config: TrainConfig, path: Path) -> None:
    """The settings stand beside the runs, but for what may be given anew."""
    place, wanted = path / "seeds.json", asked(config)
    if place.is_file() and read_json(place) != wanted:
        raise UserError(
            f"{path} contains runs with other settings and is left unchanged: choose another hydra.run.dir=…."
        )
    made_folders.note(place)
    path.mkdir(parents=True, exist_ok=True)
    write_json(place, wanted)
