"""Where the runs of a study are made: `executor=local|slurm`, with the settings of a queue."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, ClassVar

from drift_cli.config.checked import Checked, choice, least, within
from drift_cli.errors import UserError
from drift_cli.runs.cores import usable
from drift_cli.runs.workers import Pool

LOCAL, SLURM, TRIED = "local", "slurm", "submitit_local"
_IN_A_QUEUE = 100  # runs at a time, unless told otherwise


@dataclass(kw_only=True)
class ExecutorConfig(Checked):
    """`minutes`, `cpus`, `gpus` and `memory` (GB) of one run in a queue."""

    prefix: ClassVar = "executor."
    name: Annotated[str, choice((LOCAL, SLURM, TRIED))] = LOCAL
    partition: str | None = None
    account: str | None = None
    minutes: Annotated[int, within(1, 10**6)] = 240
    cpus: Annotated[int, least(1)] = 1
    gpus: Annotated[int, least(0)] = 0
    memory: Annotated[int, least(1)] = 4

    def at_once(self, jobs: int | None) -> int:
        """The default number of simultaneous runs."""
        return jobs or (_IN_A_QUEUE if self.name == SLURM else usable())

    def words(self) -> list[str]:
        """As another command is told the same."""
        if self.name == LOCAL:
            return []
        unset = ExecutorConfig()
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "name"}
        others = [f"executor.{key}={value}" for key, value in given.items() if value != getattr(unset, key)]
        return [f"executor={self.name}", *others]

    def check_installed(self) -> None:
        """Raise `UserError` naming the extra where that is missing."""
        if self.name != LOCAL and find_spec("submitit") is None:
            raise UserError(
                f"executor={self.name} needs the extra submitit, which is not installed: pip install "
                "'generative-drifting-bench[submitit]'."
            )

    def pool(self, folder: Path) -> Pool | None:
        """The queue, which keeps its own files in `folder`/.submitit; None: processes of this machine."""
        if self.name == LOCAL:
            return None
        from drift_cli.runs.queue import Queue

        if self.name == TRIED:
            return Queue("local", folder / ".submitit", {"timeout_min": self.minutes})
        settings = {
            "name": "drift",
            "timeout_min": self.minutes,
            "cpus_per_task": self.cpus,
            "mem_gb": self.memory,
            "gpus_per_node": self.gpus or None,
            "slurm_partition": self.partition,
            "slurm_account": self.account,
        }
        return Queue(
            "slurm", folder / ".submitit", {key: value for key, value in settings.items() if value is not None}
        )
