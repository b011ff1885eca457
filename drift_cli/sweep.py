"""The jobs of a sweep (`-m`): composed and checked, all of them, before the first one starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from drift_cli.errors import UserError


def check(command: str, settings: list[str], conf: Path, check_job: Callable[[DictConfig, list[str]], Any]) -> None:
    """Compose each job as Hydra will and hand its settings, with the words they come from, to `check_job`.

    Raises what `check_job` or the composition raises at the first wrong job; a `UserError` then names the job.
    """
    with initialize_config_dir(str(conf.resolve()), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        assert isinstance(loader, ConfigLoaderImpl)
        master = loader.load_configuration(command, settings, run_mode=RunMode.MULTIRUN)
        words: Any = OmegaConf.to_container(master.hydra.overrides.task, resolve=False)
        parser = OverridesParser.create(config_loader=loader)
        (jobs,) = BasicSweeper.split_arguments(parser.parse_overrides(words), max_batch_size=None)
        bases: dict[tuple[str, ...], DictConfig] = {}
        for at, job in enumerate(jobs):
            composed = _composed(loader, master, parser.parse_overrides(job), bases)
            try:
                with _as_job(composed, at) as own:
                    check_job(own, job)
            except UserError as error:
                raise UserError(f"{error}{_named(job, jobs)}") from error


def _composed(
    loader: ConfigLoaderImpl, master: DictConfig, job: list[Override], bases: dict[tuple[str, ...], DictConfig]
) -> DictConfig:
    """The settings of a job. To compose takes longest, so `bases` keeps what was composed, by the options of groups."""
    options = [each for each in job if _is_option(loader, each)]
    key = tuple(str(each.input_line) for each in options)
    if key not in bases:
        bases[key] = loader.load_sweep_config(master, list(key))
    composed = deepcopy(bases[key])
    loader._apply_overrides_to_config([each for each in job if each not in options], composed)
    return composed


def _is_option(loader: ConfigLoaderImpl, override: Override) -> bool:
    """Whether it chooses an option of a group (kernel=gaussian) and does not set values (seed=1, kernel={…})."""
    return loader.repository.group_exists(override.key_or_group) and not isinstance(override.value(), dict)


@contextmanager
def _as_job(composed: DictConfig, at: int) -> Iterator[DictConfig]:
    """The job's own settings; within, `${hydra:…}` is what it will be in the job `at`, and afterwards as before."""
    hydra_config, before = HydraConfig.instance(), HydraConfig.instance().cfg
    hydra, own = composed.hydra, OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"])
    try:
        with read_write(hydra.runtime), open_dict(hydra):
            hydra.job.id = hydra.job.num = at
            hydra_config.set_config(composed)  # for the paths that refer to the job's number
            hydra.runtime.output_dir = os.path.abspath(os.path.join(str(hydra.sweep.dir), str(hydra.sweep.subdir)))
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
