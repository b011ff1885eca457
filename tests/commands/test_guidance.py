"""A generator that is given the strength of guidance: one training, and each strength ends at its optimum."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import drift_cli
from drift_cli import command as commands
from drift_cli.drift import drawn_strengths
from drift_cli.errors import UserError
from drift_cli.shell.cli import main
from drift_cli.shell.compose import settings
from drift_cli.training.setup import assemble
from tests.problems.runs import train

DATA = [  # its classes can be guided up to α = 2
    "dataset=labelled_mixture",
    "dataset.dimension=2",
    "dataset.radius=0.5",
    "dataset.std=0.25",
    "dataset.shares=[[0.6,0.2,0.2],[0.2,0.2,0.6]]",
]


@pytest.mark.parametrize("power", [0.0, 1.0, 3.0])
def test_strengths_are_drawn_with_the_density_that_is_said(power: float) -> None:
    """The share below the middle, against the integral of α^−p; its deviation at 20,000 draws is .0035."""
    low, high, middle = 1.0, 4.0, 2.0
    drawn = drawn_strengths(20_000, low, high, power, torch.Generator().manual_seed(0))
    grid = torch.linspace(low, high, 30_001, dtype=torch.float64)
    density = grid**-power
    expected = density[grid < middle].sum() / density.sum()
    assert float((drawn < middle).double().mean()) == pytest.approx(float(expected), abs=0.014)
    assert low <= float(drawn.min()) < float(drawn.max()) <= high


@pytest.mark.slow
def test_each_strength_moves_the_mean_of_a_class_as_far_as_its_optimum(tmp_path: Path) -> None:
    """Of q = α p_c − (α − 1) p the mean is that combination of the means, whatever the kernel makes of the modes."""
    words = [*DATA, "guidance.up_to=1.6", "guidance.power=0", "guidance.unconditional=256", "kernel.bandwidth=0.5"]
    words += ["steps=1000", "batch_size=512", "generator.widths=[64,64]", "optimizer.lr=0.004"]
    assert train(tmp_path / "run", *words) == 0
    trained = drift_cli.load(tmp_path / "run")
    target = assemble(settings(commands.find("train"), DATA)).target
    modes, shares = (torch.tensor(each, dtype=torch.float64) for each in (target.means, target.shares))  # type: ignore[attr-defined]
    apart = (shares[0] - shares[1]) @ modes  # p_c − p is half of it for the one class, and minus half for the other

    def ratio(alpha: float) -> float:
        """How far the means of the classes are apart, over that of the data: α at the optimum."""
        one, other = (trained.sample(4000, seed=1, label=label, guidance=alpha).points.mean(dim=0) for label in (0, 1))
        return float((one - other) @ apart / (apart @ apart))

    # The mean of 4,000 samples is known to a fiftieth of `apart`; the network's own error is of that size too.
    assert ratio(1.0) == pytest.approx(1.0, abs=0.1)
    assert ratio(1.3) == pytest.approx(1.3, abs=0.1)
    assert ratio(1.6) == pytest.approx(1.6, abs=0.1)
    with pytest.raises(UserError, match=r"guidance must be from 1 to 1.6, as it was trained, got 2"):
        trained.sample(3, guidance=2.0)


@pytest.mark.parametrize("generator", ["mlp", "transformer"])
def test_a_sample_is_drawn_at_the_strength_that_is_asked_for(generator: str, tmp_path: Path) -> None:
    """The least strength is that of a sample without one, and another is another sample."""
    words = ["train", "dataset=digits", "dataset.labels=true", "space=identity", "guidance.up_to=2", "steps=2"]
    words += ["batch_size=40", "evaluation.points=50", "evaluation.large_points=0", f"generator={generator}"]
    assert main([*words, f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    trained = drift_cli.load(tmp_path / "run")
    without, least, larger = (trained.sample(5, seed=1, label=3, guidance=alpha).points for alpha in (None, 1.0, 2.0))
    assert torch.equal(without, least)
    assert not torch.equal(without, larger)


def test_what_cannot_be_given_a_strength_says_so() -> None:
    train_command = commands.find("train")
    with pytest.raises(UserError, match="generator=particles has no input for the guidance strength"):
        assemble(settings(train_command, [*DATA, "guidance.up_to=2", "generator=particles"]))
    with pytest.raises(UserError, match=r"guidance.up_to must be above guidance.alpha=3"):
        settings(train_command, [*DATA, "guidance.up_to=2", "guidance.alpha=3"])
    with pytest.raises(UserError, match="weights classes against all data"):
        assemble(settings(train_command, ["guidance.up_to=2"]))
