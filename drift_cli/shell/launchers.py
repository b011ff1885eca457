"""Where the jobs of a sweep run: Hydra's launchers, each an extra, and how the cores are shared out among the jobs.

Their configurations are those that they come with; `conf/hydra/launcher/submitit.yaml` is one for SLURM. Hydra has no
place for what the project sets of them otherwise (it checks a file of the same name against theirs), so that it is
handed on as words.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import Any

from omegaconf import DictConfig, OmegaConf

from drift_cli.errors import UserError
from drift_cli.runs.cores import usable

_EXTRAS = {
    "joblib": "joblib",
    "submitit": "submitit",
    "submitit_local": "submitit",
    "submitit_slurm": "submitit",
    "ray": "ray",
    "optuna": "optuna",
}


@dataclass(frozen=True)
class Placed:
    """`at_once` jobs at a time, None where a queue decides; `words`: what else Hydra and the jobs receive."""

    launcher: str
    at_once: int | None
    threads: int | None = None
    words: list[str] = field(default_factory=list)


def chosen(own: DictConfig, what: str) -> str:
    """The launcher or the sweeper by its name."""
    return str(own.hydra.runtime.choices[f"hydra/{what}"])


def names(group: str) -> list[str]:
    """Those that an extra offers, of `hydra/launcher` or `hydra/sweeper`; none of another group."""
    sweepers = {"optuna"}
    return sorted({"hydra/launcher": set(_EXTRAS) - sweepers, "hydra/sweeper": sweepers}.get(group, set()))


def extra_of(option: str) -> str | None:
    """The extra that `hydra/launcher=option` or `hydra/sweeper=option` needs; None of what needs none."""
    return _EXTRAS.get(option)


def missing(setting: str, extra: str) -> str:
    return (
        f"{setting} needs the extra {extra}, which is not installed: pip install 'generative-drifting-bench[{extra}]'."
    )


def cores_of(settings: Any) -> int:
    """How many cores a job asks for by its settings; 0 where it takes what it is given."""
    processes = getattr(getattr(settings, "distributed", None), "processes", None)
    threads = getattr(settings, "threads", None)
    shared = (threads or 1) * (processes or 1) if threads or processes else 0
    return max(getattr(settings, "jobs", None) or 0, shared)


def placed(own: DictConfig, settings: list[str], schema: type[Any], jobs: int, most: int) -> Placed:
    """How many of the jobs run at a time, with how many threads each. `most`: of the cores that a job asks for.

    Raises `UserError` where they would be more than there are.
    """
    launcher, launch = chosen(own, "launcher"), own.hydra.launcher
    batch = _Batch(own, settings)
    if launcher == "joblib":
        return _here(launcher, schema, _by_joblib(int(launch.n_jobs), batch.of(jobs), most), most, batch)
    if launcher == "submitit_local":
        at_once = batch.of(jobs)
        if at_once * max(most, 1) > usable():
            raise UserError(
                f"hydra/launcher=submitit_local starts all jobs at once, and {at_once} jobs are more than the "
                f"{usable()} available cores: hydra/launcher=joblib runs as many at a time as fit."
            )
        return _here(launcher, schema, at_once, most, batch)
    if launcher in ("submitit", "submitit_slurm"):
        if shutil.which("srun") is None:
            raise UserError(
                f"hydra/launcher={launcher} hands the jobs to SLURM, and this machine has no srun: start the sweep on "
                "a login node of the cluster, or choose hydra/launcher=joblib."
            )
        return Placed(launcher, None, int(launch.cpus_per_task or 1), batch.words(int(launch.array_parallelism)))
    if launcher == "ray":
        return Placed(launcher, None, int(launch.ray.remote.get("num_cpus", 1)), batch.words(usable()))
    return Placed(launcher, 1, words=batch.words(1))


@dataclass(frozen=True)
class _Batch:
    """The jobs that are known at a time: all of a sweep, or those trials that Optuna chooses together."""

    own: DictConfig
    settings: list[str]

    @property
    def _is_open(self) -> bool:
        given = any(word.startswith("hydra.sweeper.n_jobs=") for word in self.settings)
        return chosen(self.own, "sweeper") == "optuna" and not given

    def of(self, jobs: int) -> int:
        if chosen(self.own, "sweeper") == "basic":
            return jobs
        return min(jobs, usable() if self._is_open else int(self.own.hydra.sweeper.get("n_jobs", 1)))

    def words(self, at_once: int) -> list[str]:
        """Of a search: so many trials at a time, and the same ones each time that it is begun."""
        words = [f"hydra.sweeper.n_jobs={at_once}"] if self._is_open else []
        if OmegaConf.select(self.own, "hydra.sweeper.sampler.seed", default=0) is None:
            words.append("hydra.sweeper.sampler.seed=0")
        return words


def _by_joblib(asked: int, jobs: int, most: int) -> int:
    if asked > 0 and asked * max(most, 1) > usable():
        each = f" of {max(most, 1)} cores each" if max(most, 1) > 1 else ""
        raise UserError(
            f"hydra.launcher.n_jobs={asked}: {asked} jobs{each} are more than the {usable()} available cores: lower it."
        )
    return min(asked if asked > 0 else max(usable() // max(most, 1), 1), jobs)


def _here(launcher: str, schema: type[Any], at_once: int, most: int, batch: _Batch) -> Placed:
    """Jobs on this machine, each with its share of the cores."""
    share = max(usable() // at_once, 1)
    words = batch.words(at_once)
    if launcher == "joblib":
        words += [f"hydra.launcher.n_jobs={at_once}", "hydra.launcher.batch_size=1"]
    if hasattr(schema, "jobs") and not most:
        words.append(f"jobs={share}")
    return Placed(launcher, at_once, share, words)
