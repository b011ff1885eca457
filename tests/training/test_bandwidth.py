"""kernel.bandwidth=auto: a bandwidth found on the data."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from drift_cli import config as configs
from drift_cli.config.objects import chosen
from drift_cli.data import target_of
from drift_cli.errors import UserError
from drift_cli.kernels import Gaussian, Laplace
from drift_cli.metrics.effective_sample_size import bandwidth_seeing, effective_sample_size
from drift_cli.shell.cli import main
from drift_cli.training.bandwidth import found_on
from drift_cli.training.settings import TrainConfig


@pytest.mark.parametrize("dimension", [2, 64, 512])
@pytest.mark.parametrize("kind", [Gaussian, Laplace])
def test_a_point_sees_the_share_that_was_asked_for(dimension: int, kind: type, rng: torch.Generator) -> None:
    x, data, more = torch.randn(3, 1000, dimension, generator=rng, dtype=torch.float64)
    found = bandwidth_seeing(0.1, kind(1.0), [(x[:200], data)])
    assert float((effective_sample_size(kind(found), x[:200], data) / 1000).mean()) == pytest.approx(0.1, rel=1e-6)
    other = float((effective_sample_size(kind(found), x[200:], more) / 1000).mean())
    assert other == pytest.approx(
        0.1, rel=0.4
    )  # other points: a tenth, up to what 200 queries leave open in 512 dimensions
    median = float(torch.cdist(x[:200], data).median())
    wide = float((effective_sample_size(kind(median), x[:200], data) / 1000).mean())
    assert wide > 0.25  # the control: the median distance is too wide in every dimension


def test_it_scales_with_the_data_and_does_not_depend_on_where_it_begins(rng: torch.Generator) -> None:
    x, data = torch.randn(2, 300, 8, generator=rng, dtype=torch.float64)
    found = bandwidth_seeing(0.1, Laplace(1.0), [(x, data)])
    assert bandwidth_seeing(0.1, Laplace(7.0), [(3 * x, 3 * data)]) == pytest.approx(3 * found, rel=1e-6)


def test_it_is_a_number_and_says_why() -> None:
    kernel, told = found_on(
        target_of(chosen("dataset", "moons", noise=0.05).made()), chosen("kernel", "gaussian", bandwidth="auto")
    )
    assert isinstance(kernel.bandwidth, float)
    assert told == f"kernel.bandwidth=auto: {kernel.bandwidth:g}, at which a data point sees 10 % of 2,048 others"
    assert kernel.made().bandwidth == kernel.bandwidth
    same = chosen("kernel", "gaussian", bandwidth=0.1)
    assert found_on(target_of(chosen("dataset", "moons", noise=0.05).made()), same) == (same, "")


def test_with_classes_a_point_sees_those_of_its_own() -> None:
    found = {
        labels: found_on(
            target_of(chosen("dataset", "digits", labels=labels).made()), chosen("kernel", "laplace", bandwidth="auto")
        )
        for labels in (True, False)
    }
    assert "of its class, in all 10 classes" in found[True][1]
    assert 0.02 < found[True][0].bandwidth < 1
    # A tenth of one class is a hundredth of all: narrower than a tenth of all by much less than classes differ.
    assert not math.isclose(found[True][0].bandwidth, found[False][0].bandwidth, rel_tol=0.05)


@pytest.mark.parametrize("word", ["wide", "200%", "0%", ""])
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(UserError, match=r"kernel\.bandwidth must be of type float, got .* share of the data"):
        chosen("kernel", "laplace", bandwidth=word)


def test_without_data_it_is_refused() -> None:
    with pytest.raises(UserError, match=r"kernel\.bandwidth=auto is determined from the training data"):
        chosen("kernel", "laplace", bandwidth="auto").made()


def test_a_run_keeps_the_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["steps=2", "batch_size=64", "evaluation.points=100", "evaluation.large_points=0", "evaluation.draws=2"]
    assert main(["train", "kernel.bandwidth=20%", *small, f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    assert "kernel.bandwidth=20%: " in capsys.readouterr().out
    kept = configs.load(tmp_path / "run/config.yaml", TrainConfig)
    assert isinstance(kept.kernel.bandwidth, float)
    assert main(["train", f"resume={tmp_path / 'run'}", "steps=3"]) == 0
    assert configs.load(tmp_path / "run/config.yaml", TrainConfig).kernel == kept.kernel
