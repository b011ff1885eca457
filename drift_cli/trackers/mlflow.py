"""MLflow, in the run's own folder unless MLFLOW_TRACKING_URI names a store for all of them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from drift_cli.trackers.base import Start

_LONGEST = 500  # characters of a value
_AT_ONCE = 100  # parameters of one request


class Mlflow:
    def __init__(self, start: Start) -> None:
        store = os.environ.get("MLFLOW_TRACKING_URI") or (start.folder / "mlruns").resolve().as_uri()
        self.client = MlflowClient(store)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "drift")
        known = self.client.get_experiment_by_name(name)
        experiment = known.experiment_id if known else self.client.create_experiment(name)
        tags = {"mlflow.runName": start.folder.name, **start.about}
        self.run = self.client.create_run(experiment, tags=tags).info.run_id
        settings = [Param(key, str(value)[:_LONGEST]) for key, value in start.settings.items()]
        for at in range(0, len(settings), _AT_ONCE):
            self.client.log_batch(self.run, params=settings[at : at + _AT_ONCE])

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        now = int(1000 * time.time())
        self.client.log_batch(self.run, [Metric(name, value, now, step) for name, value in numbers.items()])

    def finish(self, step: int, numbers: Mapping[str, float], figures: Mapping[str, Path]) -> None:
        self.log(step, {f"summary/{name}": value for name, value in numbers.items()})
        for figure in figures.values():
            self.client.log_artifact(self.run, str(figure), "figures")
        self.client.set_terminated(self.run)
