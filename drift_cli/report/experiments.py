"""The parts of the reproduction, from the studies' `parts.yaml` or a user's file: what is run at which size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from drift_cli import command as commands
from drift_cli.errors import UserError
from drift_cli.report.entries import entries

SIZES = ("quick", "standard", "full")


@dataclass(frozen=True)
class Image:
    """A picture of a run folder, with its text alternative."""

    file: str
    alt: str


@dataclass(frozen=True)
class Figure:
    """Pictures that belong together. `place`: the paper's own number, empty for ours; `claims`: what they show."""

    place: str
    caption: str
    images: tuple[Image, ...]
    claims: tuple[str, ...] = ()


@dataclass(frozen=True)
class Experiment:
    """One part of the reproduction: `drift <command> <settings[size]>`, into a folder called `name`.

    `order`: its place among all parts, that of the paper.
    """

    name: str
    command: str
    title: str
    place: str
    settings: dict[str, list[str]]
    minutes: dict[str, float]
    order: int = 0
    figures: tuple[Figure, ...] = ()
    workers: tuple[str, ...] = ()  # the sizes at which it takes jobs=
    records: tuple[str, ...] = ()  # the sizes whose finished runs are worth keeping: each took long

    def __post_init__(self) -> None:
        for size in SIZES:
            if size not in self.settings or not self.minutes.get(size, 0) > 0:
                raise ValueError(f"{self.name}: settings and minutes must name every size, {size} is not there")
        for key in ("workers", "records"):
            if unknown := set(getattr(self, key)) - set(SIZES):
                raise ValueError(f"{self.name}: {key} must name sizes, got {', '.join(sorted(unknown))}")

    def shown(self, size: str) -> str:
        """The command line to see it again, for a shell."""
        return " ".join(["drift", self.command, *(_shell(word) for word in self.settings[size])])


def load(file: Path | None = None) -> list[Experiment]:
    """The parts that the studies offer (`parts.yaml` in their folders) in the paper's order, or those of a file.

    Raises `UserError` for a file that does not hold any.
    """
    where = file or "parts.yaml of the studies"
    try:
        if file is None:
            own = [
                (study.name, entry) for study in commands.studies() for entry in entries(study.folder / "parts.yaml")
            ]
            found = [_experiment(command=name, **entry) for name, entry in own]
        else:
            found = [_experiment(**entry) for entry in OmegaConf.to_container(OmegaConf.load(file))]  # type: ignore
    except FileNotFoundError as error:
        raise UserError(f"There is no file {where}: name a list of experiments, or leave it out.") from error
    except Exception as error:
        raise UserError(f"{where} cannot be read as a list of experiments: {str(error).splitlines()[0]}.") from error
    names = [each.name for each in found]
    if not names or len(set(names)) < len(names):
        raise UserError(f"{where} must list experiments with different names, got {names}.")
    return sorted(found, key=lambda each: each.order)


def _experiment(**entry: Any) -> Experiment:
    figures = tuple(
        Figure(
            place=each["place"],
            caption=each["caption"],
            images=tuple(Image(**image) for image in each["images"]),
            claims=tuple(each.get("claims", ())),
        )
        for each in entry.pop("figures", ())
    )
    workers, records = (tuple(entry.pop(key, ())) for key in ("workers", "records"))
    return Experiment(**entry, figures=figures, workers=workers, records=records)


def _shell(word: str) -> str:
    return f"'{word}'" if any(sign in word for sign in ' []{}()$&;|<>*?!"') else word
