"""`drift train drift=features`: the encoder is learned before the run, kept with it, and said."""

from __future__ import annotations

from pathlib import Path

import pytest

from drift_cli.shell.cli import main
from tests.problems.runs import summary, train

WORDS = (
    "dataset=digits", "drift=features", "drift.encoder={name: masked_autoencoder, width: 4, epochs: 1}",
    "drift.groups=[whole]", "generator.widths=[16]", "evaluation.judge=false", "batch_size=40", "dataset.labels=true",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("features") / "run"
    assert train(folder, *WORDS) == 0
    return folder


def test_a_run_says_what_its_features_are_of(run: Path) -> None:
    found = summary(run)
    assert found["encoder_parameters"] > 0
    assert found["encoder_error"] > 0
    assert found["generator_multiply_adds"] > 0
    assert found["space"] == "identity"
    assert len(list((run / "learned").glob("masked_autoencoder-*.safetensors"))) == 1


def test_a_resumed_run_ends_as_one_never_stopped(run: Path) -> None:
    last = run / "checkpoints/step_00000012"
    weights = (last / "model.safetensors").read_bytes()
    assert main(["train", f"resume={run}/checkpoints/step_00000008", "steps=12"]) == 0
    assert (last / "model.safetensors").read_bytes() == weights


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "dataset=rings",
            "drift.encoder=classifier needs images, and these are points with 2 coordinates: use space=identity or "
            "another drift.",
        ),
        (
            "dataset=digits space=autoencoder space.epochs=1",
            "space=autoencoder makes codes, and drift=features needs images: use space=identity.",
        ),
        (
            "dataset=digits drift.encoder=clasifier",
            'drift.encoder must be one of classifier, masked_autoencoder, scattering, got "clasifier". Did you mean '
            '"classifier"?',
        ),
        (
            "dataset=digits gradient_paths=both drift.normalize=none",
            "gradient_paths=both differentiates the drift, and drift=features has no derivative here: choose "
            "gradient_paths=none, or another drift.",
        ),
        (
            "dataset=digits generator=transformer generator.heads=5",
            "generator.heads must divide generator.width, got 5 and 96: choose another.",
        ),
    ],
)
def test_what_has_no_features_is_refused(words: str, told: str, refusal) -> None:
    assert refusal("train", "drift=features", *words.split()) == told
