"""The jobs of a sweep (`-m`): composed and checked, all of them, before the first one starts."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from drift_cli.command import Command
from drift_cli.errors import UserError
from drift_cli.shell import compose

Composed = dict[tuple[str, ...], DictConfig]


def check(command: Command, settings: list[str]) -> None:
    """Compose each job as Hydra will, and check its settings.

    Raises what the composition raises at the first wrong job; a `UserError` then names the job.
    """
    with compose.initialised(command):
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        jobs = _jobs(command, settings, parser)
        for_hydra = [word for word in settings if word.lstrip("+~").startswith("hydra.") and not _sweeps(word, parser)]
        bases: Composed = {}
        written: set[str] = set()  # what the jobs before write
        for at, job in enumerate(jobs):
            composed = _composed(command, for_hydra, parser.parse_overrides(job), bases)
            try:
                with _as_job(composed, at) as its_own:
                    _refuse_twice(compose.checked(command, its_own, job), written)
            except UserError as error:
                raise UserError(f"{error}{_named(job, jobs)}") from error


def _refuse_twice(settings: Any, written: set[str]) -> None:
    """Raise `UserError` where an earlier job writes its result to the same place, outside any run folder."""
    place = getattr(settings, "destination", None)
    if place in written:
        raise UserError(f"Two jobs would write {place}: give each its own out=, with ${{hydra:job.num}} in it.")
    if place is not None:
        written.add(place)


def _jobs(command: Command, settings: list[str], parser: OverridesParser) -> list[list[str]]:
    """Every combination of what the words (and `hydra.sweeper.params`) sweep over, each as the words of one job."""
    once = [word for word in settings if not _sweeps(word, parser)]
    own = hydra.compose(command.name, [word for word in once if word.startswith("hydra.")], return_hydra_config=True)
    params = OmegaConf.select(own, "hydra.sweeper.params") or {}
    swept = [f"{key}={value}" for key, value in params.items()]
    choices: dict[str, list[str]] = {}
    for override in parser.parse_overrides([*swept, *settings]):
        if override.is_hydra_override():
            continue
        key = override.get_key_element()
        several = override.is_sweep_override()
        values = list(override.sweep_string_iterator()) if several else [override.get_value_element_as_str()]
        choices[key] = [key if override.is_delete() and not value else f"{key}={value}" for value in values]
    return [list(job) for job in itertools.product(*choices.values())]


def _sweeps(word: str, parser: OverridesParser) -> bool:
    return parser.parse_override(word).is_sweep_override()


def _composed(command: Command, for_hydra: list[str], job: list[Override], bases: Composed) -> DictConfig:
    """The settings of a job. To compose takes longest, so `bases` keeps what was composed, by the words that need it.

    The first job is composed of all its words: a name that is none is none in every job.
    """
    plain = [each for each in job if bases and _sets_a_value(each)]
    others = tuple(str(each.input_line) for each in job if each not in plain)
    if others not in bases:
        every = [str(each.input_line) for each in job]
        bases[others] = hydra.compose(command.name, [*for_hydra, *every], return_hydra_config=True)
    composed = deepcopy(bases[others])
    for each in plain:
        OmegaConf.update(composed, each.key_or_group, each.value(), merge=True)
    return composed


def _sets_a_value(override: Override) -> bool:
    """Whether it sets a value (seed=1) and neither adds or removes one nor chooses an option (kernel=gaussian)."""
    loader = GlobalHydra.instance().config_loader()
    group = "." not in override.key_or_group and override.key_or_group in loader.list_groups("")
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
