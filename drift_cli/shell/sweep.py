"""The jobs of a sweep (`-m`): composed and checked, all of them, before the first one starts."""

from __future__ import annotations

import itertools
import math
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from drift_cli.command import Command
from drift_cli.errors import UserError
from drift_cli.shell import compose, launchers
from drift_cli.shell.job import Sweep
from drift_cli.shell.launchers import Placed
from drift_cli.shell.words import quoted

Composed = dict[tuple[str, ...], DictConfig]


@dataclass(frozen=True)
class Plan:
    """A sweep that has been checked. `settings`: its words, with the folder and what its launcher needs.

    `jobs`: how many, as far as that is known beforehand. `goal`: min or max, of a sweeper that looks for the best.
    """

    command: str
    settings: list[str]
    folder: Path
    jobs: int
    placed: Placed
    goal: Callable[..., Any] | None
    speaks: bool  # the command has no run folder, and prints what it finds
    common: frozenset[str]  # the words that all jobs share

    def told_to_jobs(self, command: Command, words: list[str]) -> Sweep:
        starter = socket.gethostname(), os.getpid()
        worst = -math.inf if self.goal is max else math.inf
        return Sweep(command, words, starter, self.placed.threads, self.goal is not None, worst)


def check(command: Command, settings: list[str]) -> Plan:
    """Compose each job as Hydra will, and check its settings.

    Raises what the composition raises at the first wrong job; a `UserError` then names the job.
    """
    with compose.initialised(command):
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        once = [word for word in settings if not _sweeps(word, parser)]
        for_hydra = [word for word in once if word.lstrip("+~").startswith(("hydra.", "hydra/"))]
        own = hydra.compose(command.name, for_hydra, return_hydra_config=True)
        tuned = launchers.chosen(own, "sweeper") != "basic"
        jobs = _jobs(settings, own, parser, tuned=tuned)
        bases: Composed = {}
        written: set[str] = set()  # what the jobs before write
        most = 0  # of the cores that a job asks for
        for at, job in enumerate(jobs):
            composed = _composed(command, for_hydra, parser.parse_overrides(job), bases)
            try:
                with _as_job(composed, at) as its_own:
                    checked = compose.checked(command, its_own, job)
                    _refuse_twice(checked, written)
            except UserError as error:
                raise UserError(f"{error}{_named(job, jobs)}") from error
            most = max(most, launchers.cores_of(checked))
        if tuned and not hasattr(command.schema(), "objective"):
            raise UserError(f"`drift {command.name}` has no objective that a sweeper could minimise: leave it out.")
        number = own.hydra.sweeper.n_trials if tuned else len(jobs)
        placed = launchers.placed(own, settings, command.schema(), number, most)
        folder = _folder(own)
        goal = (max if "maximize" in str(own.hydra.sweeper.direction) else min) if tuned else None
    pinned = [word for word in settings if not word.startswith("hydra.sweep.dir=")]
    pinned += [f"hydra.sweep.dir={quoted(str(folder))}", *placed.words]
    speaks = getattr(command.schema(), "writes_to", None) is not None
    common = frozenset.intersection(*map(frozenset, jobs)) if len(jobs) > 1 else frozenset[str]()
    return Plan(command.name, pinned, folder, number, placed, goal, speaks, common | set(placed.words))


def _folder(own: DictConfig) -> Path:
    """The folder of the sweep: found once, and handed on as it is, as other processes would name it otherwise."""
    hydra_config, before = HydraConfig.instance(), HydraConfig.instance().cfg
    try:
        hydra_config.set_config(own)  # for ${hydra:…}
        return Path(str(own.hydra.sweep.dir))
    finally:
        hydra_config.cfg = before


def _refuse_twice(settings: Any, written: set[str]) -> None:
    """Raise `UserError` where an earlier job writes its result to the same place, outside any run folder."""
    place = getattr(settings, "destination", None)
    if place in written:
        raise UserError(f"Two jobs would write {place}: give each its own out=, with ${{hydra:job.num}} in it.")
    if place is not None:
        written.add(place)


def _jobs(settings: list[str], own: DictConfig, parser: OverridesParser, *, tuned: bool) -> list[list[str]]:
    """Every combination of what the words (and `hydra.sweeper.params`) sweep over, each as the words of one job.

    Of a sweeper that chooses its jobs itself (`tuned`) each value once, beside the first ones of the others.
    """
    params = OmegaConf.select(own, "hydra.sweeper.params") or {}
    swept = [f"{key}={value}" for key, value in params.items()]
    choices: dict[str, list[str]] = {}
    for override in parser.parse_overrides([*swept, *settings]):
        if override.is_hydra_override():
            continue
        key = override.get_key_element()
        values = _values(override) if override.is_sweep_override() else [override.get_value_element_as_str()]
        choices[key] = [key if override.is_delete() and not value else f"{key}={value}" for value in values]
    if not tuned:
        return [list(job) for job in itertools.product(*choices.values())]
    first = {key: words[0] for key, words in choices.items()}
    others = [first | {key: word} for key, words in choices.items() for word in words[1:]]
    return [list(job.values()) for job in (first, *others)]


def _values(override: Override) -> list[str]:
    """What a word sweeps over; of an interval its ends."""
    interval = override.value()
    if isinstance(interval, IntervalSweep):
        return [str(interval.start), str(interval.end)]
    return list(override.sweep_string_iterator())


def _sweeps(word: str, parser: OverridesParser) -> bool:
    return parser.parse_override(word).is_sweep_override()


def _composed(command: Command, for_hydra: list[str], job: list[Override], bases: Composed) -> DictConfig:
    """The settings of a job. To compose takes longest, so `bases` keeps what was composed, by the words that need it.

    The first job is composed of all its words: a name that is none is none in every job.
    """
    plain = [each for each in job if bases and _sets_a_value(command, each)]
    others = tuple(str(each.input_line) for each in job if each not in plain)
    if others not in bases:
        every = [str(each.input_line) for each in job]
        bases[others] = hydra.compose(command.name, [*for_hydra, *every], return_hydra_config=True)
    composed = deepcopy(bases[others])
    for each in plain:
        OmegaConf.update(composed, each.key_or_group, each.value(), merge=True)
    return composed


def _sets_a_value(command: Command, override: Override) -> bool:
    """Whether it sets a value (seed=1) and neither adds or removes one nor chooses an option (kernel=gaussian)."""
    group = "/" in override.key_or_group or bool(command.options(override.key_or_group))
    return not (override.is_add() or override.is_force_add() or override.is_delete() or group)


@contextmanager
def _as_job(composed: DictConfig, at: int) -> Iterator[DictConfig]:
    """The job's own settings; within, `${hydra:…}` is what it will be in the job `at`, and afterwards as before."""
    hydra_config, before = HydraConfig.instance(), HydraConfig.instance().cfg
    config, own = composed.hydra, OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"])
    try:
        with read_write(config.runtime), open_dict(config):
            config.job.id = config.job.num = at
            hydra_config.set_config(composed)  # for the paths that refer to the job's number
            config.runtime.output_dir = os.path.abspath(os.path.join(str(config.sweep.dir), str(config.sweep.subdir)))
        hydra_config.set_config(composed)
        yield own
    finally:
        hydra_config.cfg = before


def _named(job: list[str], jobs: list[list[str]]) -> str:
    """Which job it is, by the settings that differ between the first and the last; nothing for a sweep of one."""
    if len(jobs) == 1:
        return ""
    swept = [word for word in job if not (word in jobs[0] and word in jobs[-1])]
    return f" None of the {len(jobs)} jobs was started; this one is {' '.join(swept or job)}."
