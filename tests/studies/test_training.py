"""What a study writes down of a run's settings."""

from __future__ import annotations

import json

import pytest
from omegaconf import OmegaConf

from drift_cli.studies import training
from tests.problems.settings import composed


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dataset=gaussian_mixture", "kernel=mixture", "schedule=exponential", "drift=multi_temperature"],
        ["dataset=mnist5k", "dataset.labels=true", "drift=features", "generator=conv"],
        ["drift=from_discrepancy", "drift.discrepancy={name: sinkhorn, epsilon: 0.1}", "optimizer=sgd"],
        ["dataset=labelled_mixture", "kernel=designed", "kernel.bandwidth=auto", "guidance.alpha=2"],
    ],
    ids=["defaults", "tuples", "images", "nested", "words"],
)
def test_settings_are_written_as_omegaconf_writes_them(words: list[str]) -> None:
    config = composed("train", words)
    written = json.loads(json.dumps(training._written(config)))
    assert written == json.loads(json.dumps(OmegaConf.to_container(OmegaConf.structured(config))))
    assert written["dataset"]["name"] == config.dataset.name
