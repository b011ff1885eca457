"""submitit's executor as a pool of `workers.py`: a task is a job of the queue, its answer a file on the shared disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import submitit

from drift_cli.errors import RunFailed
from drift_cli.runs.workers import Task, answered


class Queue:
    looks = 1.0

    def __init__(self, cluster: str, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.executor = submitit.AutoExecutor(folder, cluster=cluster)
        self.executor.update_parameters(**settings)
        self.jobs: list[submitit.Job] = []

    def submit(self, task: Task) -> submitit.Job:
        self.jobs.append(self.executor.submit(answered, task))
        return self.jobs[-1]

    def answer(self, handle: submitit.Job) -> tuple[Any, Exception | None]:
        try:
            return handle.result()
        except (submitit.core.utils.UncompletedJobError, submitit.core.utils.FailedJobError) as error:
            raise RunFailed(
                f"Queue job {handle.job_id} was ended from outside (perhaps out of time or memory: "
                f"executor.minutes, executor.memory); its output is in {self.folder}. Finished runs are kept."
            ) from error

    def close(self) -> None:
        for job in self.jobs:
            if not job.done():
                job.cancel(check=False)
