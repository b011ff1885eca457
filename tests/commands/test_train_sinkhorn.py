"""`drift train drift=sinkhorn` (and the other operators) from the command line to the run folder."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from drift_cli.training import loop
from tests.problems.runs import metrics, summary, train

EVERY_OPERATOR = (
    "drift=sinkhorn",
    "drift=sinkhorn drift.independent_self=true drift.carry=true",
    "drift=sinkhorn dataset=digits dataset.labels=true drift.epsilon=5",
    "drift=sharp",
    "drift=kernel_score",
    "drift=sinkhorn_proxy gradient_paths=both",
    "drift=noised_query kernel=gaussian",
    "drift=lookahead schedule=linear",
    *(f"drift=from_discrepancy drift.discrepancy={name}" for name in ("mmd", "energy", "sliced_wasserstein")),
    *(f"drift=from_discrepancy kernel=gaussian drift.discrepancy={name}" for name in ("chi2", "smoothed_kl")),
    "drift=from_discrepancy drift.discrepancy=sinkhorn",
)


@pytest.mark.parametrize("settings", EVERY_OPERATOR)
def test_every_operator_trains(settings: str, tmp_path: Path) -> None:
    assert train(tmp_path, *settings.split(), "kernel.bandwidth=0.5", "evaluation.draws=1", "steps=4") == 0
    assert summary(tmp_path)["drift_norm"] > 0


SHOWN = [
    ("drift=mean_shift", "laplace kernel σ₀ = 0.1, mean_shift, mlp", "  σ 0.1"),
    ("drift=sinkhorn", "swiss_roll, sinkhorn, ε = 0.05, mlp", "  ε 0.05"),
    ("drift=from_discrepancy", "laplace kernel σ₀ = 0.1, discrepancy: mmd, mlp", "  σ 0.1"),
    ("drift=from_discrepancy drift.discrepancy=energy", "swiss_roll, discrepancy: energy, mlp", ""),
    ("drift=from_discrepancy drift.discrepancy=sinkhorn", "discrepancy: sinkhorn, ε = 0.05, mlp", "  ε 0.05"),
    ("drift=from_discrepancy drift.discrepancy=sliced_wasserstein", "sliced_wasserstein, 64 projections, mlp", ""),
]


@pytest.mark.parametrize(("settings", "headline", "scale"), SHOWN, ids=[settings for settings, _, _ in SHOWN])
def test_what_is_shown_is_what_counts_for_the_drift(settings: str, headline: str, scale: str, tmp_path, capsys) -> None:
    """A kernel's bandwidth and effective sample size are of those alone that use the kernel."""
    assert train(tmp_path, *settings.split(), "steps=2") == 0
    lines = capsys.readouterr().out.splitlines()
    assert headline in lines[0]
    progress = next(line for line in lines if line.startswith("step 2/2"))
    assert scale in progress
    for mark, shown in (("σ", "  σ"), ("ε", "  ε"), ("σ", "ESS")):
        assert (shown in progress) == (mark in scale)


def test_iterations_and_marginal_error_are_logged(tmp_path: Path, capsys) -> None:
    assert train(tmp_path, "drift=sinkhorn", "evaluation.every=1") == 0
    rows, found = metrics(tmp_path), summary(tmp_path)
    assert len(rows) == 12
    for row in rows:
        assert row["sinkhorn_iterations"] >= 1
        assert row["sinkhorn_self_iterations"] >= 1
        assert 0 < row["marginal_error"] < 1e-2
    assert found["marginal_error"] == max(row["marginal_error"] for row in rows)
    mean = sum(row["sinkhorn_iterations"] for row in rows) / 12
    assert found["sinkhorn_iterations"] == pytest.approx(mean)
    assert found["sinkhorn_capped_steps"] == 0
    assert "warning" not in capsys.readouterr().out


CAPPED = (
    ["drift=sinkhorn", "drift.epsilon=0.0005", "drift.max_iter=2"],
    ["drift=from_discrepancy", "drift.discrepancy={name: sinkhorn, epsilon: 0.0005, max_iter: 2}"],
)


@pytest.mark.parametrize("drift", CAPPED, ids=lambda words: words[0])
def test_the_cap_on_iterations_is_told_once_with_the_error_reached_and_counted_at_the_end(
    drift: list[str], tmp_path: Path, capsys
) -> None:
    assert train(tmp_path, *drift) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    assert len(told) == 2
    assert "at step 1 Sinkhorn stopped at drift.max_iter=2 iterations with a marginal error of" in told[0]
    found = summary(tmp_path)
    assert found["marginal_error"] > 1e-2
    assert found["sinkhorn_capped_steps"] == found["steps"] == 12
    assert (
        f"stopped at its cap in 12 of 12 steps, with a marginal error of up to {found['marginal_error']:.2g}" in told[1]
    )
    assert told[1].endswith("raise drift.max_iter or drift.epsilon")


def test_a_step_of_several_classes_is_capped_once(tmp_path: Path) -> None:
    words = ("dataset=digits", "dataset.labels=true", "drift=sinkhorn", "drift.epsilon=0.5", "drift.max_iter=2")
    assert train(tmp_path, *words) == 0
    assert summary(tmp_path)["sinkhorn_capped_steps"] == 12


def test_a_run_of_another_drift_has_no_such_numbers(tmp_path: Path) -> None:
    assert train(tmp_path, "checkpoint.every=3") == 0
    assert not {key for key in summary(tmp_path) if "sinkhorn" in key or "marginal" in key}
    for state in tmp_path.glob("checkpoints/*/state.json"):
        assert set(json.loads(state.read_text())) == {"format", "step", "seconds", "seed", "space", "sha256"}


def test_the_count_goes_on_from_a_checkpoint_between_two_rows(tmp_path: Path, refusal) -> None:
    """Rows are logged at the steps 1, 4, 8 and 12, and the checkpoint of step 6 is resumed."""
    from drift_cli.shell.cli import main

    words = ("drift=sinkhorn", "drift.epsilon=0.0005", "drift.max_iter=2", "checkpoint.every=3", "checkpoint.keep=9")
    assert train(tmp_path, *words) == 0
    rows, found = metrics(tmp_path), summary(tmp_path)
    middle = tmp_path / "checkpoints/step_00000006"
    state = json.loads((middle / "state.json").read_text())
    assert state["tally"]["capped_steps"] == 2
    assert main(["train", f"resume={middle}"]) == 0
    assert metrics(tmp_path) == rows
    assert summary(tmp_path)["sinkhorn_capped_steps"] == found["sinkhorn_capped_steps"] == 12
    # Negative controls: without what was pending the row of step 8 lacks two steps, and half of it is refused.
    middle_again = tmp_path / "checkpoints/step_00000006/state.json"
    middle_again.write_text(json.dumps({key: value for key, value in state.items() if key != "tally"}))
    assert main(["train", f"resume={middle}"]) == 0
    assert summary(tmp_path)["sinkhorn_capped_steps"] == 10
    for broken, told in (
        (
            {"drifts": 2},
            "a tally has the numbers drifts, iterations, self_iterations, marginal_error, capped_steps, got "
            "{'drifts': 2}",
        ),
        ("none", "its tally or its codes are no mapping"),
        (state["tally"] | {"drifts": "two"}, "one of its numbers is not a number"),
    ):
        middle_again.write_text(json.dumps(state | {"tally": broken}))
        offered = f"The one before it: resume={middle.with_name('step_00000003')}."
        assert refusal("train", f"resume={middle}") == f"{middle_again} is broken: {told}. {offered}"


@pytest.mark.parametrize(
    "settings",
    ["drift=sinkhorn drift.independent_self=true", "drift=from_discrepancy drift.discrepancy=sliced_wasserstein"],
)
def test_a_resumed_run_draws_what_one_never_stopped_would_have_drawn(settings, tmp_path, monkeypatch) -> None:
    from drift_cli.shell.cli import main

    assert train(tmp_path / "whole", *settings.split()) == 0
    measured = loop.distance_alone

    def stop_at_step_eight(bench, points, draws, purpose, step=0):
        if step == 8:
            signal.raise_signal(signal.SIGINT)
        return measured(bench, points, draws, purpose, step)

    monkeypatch.setattr(loop, "distance_alone", stop_at_step_eight)
    assert train(tmp_path / "halved", *settings.split()) == 130
    monkeypatch.undo()
    assert main(["train", f"resume={tmp_path / 'halved'}"]) == 0
    assert metrics(tmp_path / "halved") == metrics(tmp_path / "whole")
