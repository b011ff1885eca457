from __future__ import annotations

import pytest
import torch

from drift_cli.data import target_of
from drift_cli.data.gaussian_mixture import GaussianMixture
from drift_cli.drift import MeanShift
from drift_cli.generator import Mlp, Particles
from drift_cli.generator.particles import starting_positions
from drift_cli.kernels import Gaussian
from drift_cli.training.loss import loss_and_drift

BIMODAL = target_of(GaussianMixture.from_settings(modes=2, dimension=2, radius=1.0, std=0.1))


def test_a_step_of_sgd_on_particles_is_an_explicit_euler_step(plane, rng: torch.Generator) -> None:
    start, points, rate = plane(50), plane(60) + 1, 0.7
    model = Particles(start.clone())
    optimizer = torch.optim.SGD(model.parameters(), rate)
    x = model.sample(50, rng)
    loss, drift = loss_and_drift(
        "none", x, lambda query, samples: MeanShift("include")(Gaussian(0.5), query, points, samples, paired=True)
    )
    (model.loss_scale(50) * loss).backward()
    optimizer.step()
    torch.testing.assert_close(model.positions.detach(), start + rate * drift, rtol=0, atol=1e-15)


@pytest.mark.parametrize("init", ["gaussian", "middle", "far", "collapsed"])
def test_particles_start_where_they_say(init: str, rng: torch.Generator) -> None:
    start = starting_positions(init, 2_000, BIMODAL, rng, torch.float64)
    mean, spread = start.mean(0), float((start - start.mean(0)).square().sum(1).mean().sqrt())
    match init:
        case "gaussian":
            assert float(mean.norm()) < 0.1
            assert spread == pytest.approx(1.01, rel=0.1)
        case "middle":
            assert float(mean.norm()) < 0.1
            assert spread < 0.1
        case "far":
            assert float(mean.norm()) > 3
            assert spread < 0.1
        case "collapsed":
            assert abs(abs(float(mean[0])) - 1) < 0.5
            assert spread < 0.1


def test_particles_are_sampled_without_repetition_while_they_last(rng: torch.Generator) -> None:
    model = Particles(torch.arange(10.0).unsqueeze(1))
    assert torch.equal(model.sample(10, rng), model.positions)
    assert len(model.sample(7, rng).unique()) == 7
    assert model.sample(25, rng).shape == (25, 1)


def test_the_network_is_the_papers_and_takes_classes(rng: torch.Generator) -> None:
    model = Mlp(noise=2, widths=[16, 16, 16], dimension=3, activation="relu")
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["Linear", "ReLU"] * 3 + ["Linear"]
    conditional = Mlp(noise=2, widths=[8], dimension=3, activation="silu", classes=4)
    noise = torch.randn(5, 2, generator=rng)
    ones, twos = torch.full((5,), 1), torch.full((5,), 2)
    assert not torch.allclose(conditional(noise, ones), conditional(noise, twos))
    with pytest.raises(ValueError, match="classes"):
        conditional(noise)
    with pytest.raises(ValueError, match="classes"):
        model(noise, ones)


@pytest.mark.parametrize("classes", [0, 3])
def test_samples_without_a_gradient_are_those_with_one(classes: int) -> None:
    """Without one the network takes 8,192 at a time, which may round a product otherwise."""
    model = Mlp(noise=2, widths=[16, 16], dimension=3, activation="silu", classes=classes)
    labels = torch.arange(10_000) % classes if classes else None
    whole = model.sample(10_000, torch.Generator().manual_seed(3), labels)
    with torch.no_grad():
        parts = model.sample(10_000, torch.Generator().manual_seed(3), labels)
    assert not parts.requires_grad
    torch.testing.assert_close(parts, whole.detach(), rtol=1e-5, atol=1e-6)
