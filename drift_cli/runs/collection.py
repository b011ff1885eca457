"""Many runs as one table: what differs between their settings, what they measured, mean ± sd over seeds."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from drift_cli.config.flat import below
from drift_cli.errors import UserError
from drift_cli.files import read_json
from drift_cli.runs.folder import RunFolder

_OF_IMAGES = tuple(
    key
    for name in ("accuracy", "accuracy_worst", "accuracy_svm", "class_p", "frechet", "energy", "precision", "recall",
                 "density", "coverage", "spread", "neighbour_ratio", "pref_pixels", "pref_features")
    for key in (name, f"{name}_floor")
)  # fmt: skip
_OF_MODES = ("mode_error", "mode_error_floor", "mode_variance", "mode_variance_floor")
MEASURES = (
    "sw", "sw_floor", "sw_large", "sw_large_floor", "drift_norm", "loss", "steps_per_second", "seconds",
    *_OF_IMAGES, *_OF_MODES,
)  # fmt: skip
_OF_A_RUN = ("dataset", "kernel", "drift", "generator")  # groups that every version of `drift train` has had
# A difference here does not make another experiment.
_NOT_SETTINGS = ("seed", "resume", "threads", "objective", "tracker")


@dataclass(frozen=True)
class Row:
    """One run: its folder, the settings that differ, its seed, where it stands, what it measured so far."""

    folder: str
    settings: dict[str, Any]
    seed: int
    status: str
    measures: dict[str, float | None]


@dataclass(frozen=True)
class Group:
    """Runs that differ by their seed only: the mean and standard deviation of the finished ones."""

    settings: dict[str, Any]
    finished: int
    runs: int
    means: dict[str, float | None]
    sds: dict[str, float | None]


@dataclass(frozen=True)
class Collection:
    """The rows, and for each folder that could not be read one line that says why."""

    rows: list[Row]
    passed_over: list[str]


def collect(top: Path) -> Collection:
    """One row per run below `top`, however far it got. Raises `UserError` where there is none."""
    if not top.is_dir():
        raise UserError(f"There is no folder {top}: name one that contains runs, e.g. outputs/train.")
    folders = sorted((path.parent for path in top.rglob("config.yaml")), key=_natural)
    if not folders:
        raise UserError(
            f"{top} contains no runs: a run is a folder with a config.yaml. Name a folder that contains one."
        )
    readable, passed_over = [], []
    for folder in folders:
        try:
            readable.append((folder, _settings(folder / "config.yaml"), _measured(RunFolder(folder))))
        except UserError as error:
            passed_over.append(str(error))
    if not readable:
        raise UserError(f"No run in {top} can be read. {passed_over[0]}")
    differing = _differing([settings for _, settings, _ in readable])
    return Collection([_row(top, *run, differing) for run in readable], passed_over)


def groups(all_rows: list[Row]) -> list[Group]:
    """The rows gathered over their seeds, in order of first appearance."""
    together: dict[str, list[Row]] = {}
    for row in all_rows:
        together.setdefault(repr(sorted(row.settings.items())), []).append(row)
    return [_group(members) for members in together.values()]


def _group(members: list[Row]) -> Group:
    finished = [row for row in members if row.status == "finished"]
    means: dict[str, float | None] = {}
    sds: dict[str, float | None] = {}
    for name in MEASURES:
        values = [value for row in finished if (value := row.measures[name]) is not None]
        means[name] = statistics.fmean(values) if values else None
        sds[name] = statistics.stdev(values) if len(values) > 1 else None
    return Group(members[0].settings, len(finished), len(members), means, sds)


def _measured(run: RunFolder) -> dict[str, Any]:
    """The summary of a finished run, else the last logged row."""
    if not run.is_finished:
        logged = run.read_metrics()
        return logged[-1] if logged else {}
    summary = read_json(run.summary)
    if not isinstance(summary, dict):
        raise UserError(f"{run.summary} is not the summary of a run: it must be a JSON object.")
    for name in MEASURES:
        if not isinstance(value := summary.get(name), int | float | None):
            raise UserError(f"{run.summary} is not the summary of a run: {name} must be a number, got {value}.")
    return summary


def _row(top: Path, folder: Path, entries: dict[str, Any], measured: dict[str, Any], differing: list[str]) -> Row:
    done = f"step {measured.get('step', 0)} of {entries.get('steps')}"
    status = "finished" if RunFolder(folder).is_finished else done
    return Row(
        folder=str(folder.relative_to(top)),
        settings={key: entries.get(key) for key in differing},
        seed=entries["seed"],
        status=status,
        measures={name: measured.get(name) for name in MEASURES},
    )


def _settings(path: Path) -> dict[str, Any]:
    """The settings of a run, flattened to dotted keys. Raises `UserError` where the file is not that."""
    try:
        entries = below("", OmegaConf.to_container(OmegaConf.load(path)))
    except Exception as error:
        raise UserError(f"{path} cannot be read: {str(error).splitlines()[0]}.") from error
    if "seed" not in entries or any(f"{group}.name" not in entries for group in _OF_A_RUN):
        raise UserError(f"{path} is not the configuration of a run of `drift train`, and a table lists only these.")
    return entries


def _differing(settings: list[dict[str, Any]]) -> list[str]:
    """The keys whose values differ; where a group's option differs, its name says so and speaks for the rest."""
    keys = list(dict.fromkeys(key for entries in settings for key in entries))
    differing = [key for key in keys if key not in _NOT_SETTINGS and len({repr(e.get(key)) for e in settings}) > 1]
    named = {key.removesuffix(".name") for key in differing if key.endswith(".name")}

    def only_comes_with_the_option(key: str) -> bool:
        group = key.split(".", maxsplit=1)[0]
        if group not in named or key == f"{group}.name":
            return False
        by_option: dict[str, set[str]] = {}
        for entries in settings:
            by_option.setdefault(entries[f"{group}.name"], set()).add(repr(entries.get(key)))
        return all(len(values) == 1 for values in by_option.values())

    return [key for key in differing if not only_comes_with_the_option(key)]


def _natural(path: Path) -> list[tuple[int, int | str]]:
    """Sort key under which job 10 comes after job 9."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in path.parts]
