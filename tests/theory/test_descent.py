from __future__ import annotations

import numpy as np
import pytest
import torch

from drift_cli.theory import descent
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import drift_velocity, noised_velocity, smoothed_kl

START = torch.tensor([1.08], dtype=torch.float64)


def rare() -> GaussianMixture:
    return descent.two_modes(0.001, 4.0, 0.1)


def fields() -> tuple[torch.Tensor, torch.Tensor]:
    x = START[:, None]
    return drift_velocity(rare(), 1.0, x, x), noised_velocity(rare(), 1.0, x, x, 16)


def test_the_energy_rises_along_the_drift_and_falls_along_the_velocity() -> None:
    """Both by central differences of an adaptive quadrature: 1e-6, its tolerance over the step, with room."""
    u, v = fields()
    for along, sign in ((u, 1), (v, -1)):
        ends = [
            descent.quadrature_energy(rare(), 1.0, (START + shift * along[:, 0]).numpy()) for shift in (1e-4, -1e-4)
        ]
        change = descent.change(along, v)
        assert np.sign(change) == sign
        assert (ends[0] - ends[1]) / 2e-4 == pytest.approx(change, rel=1e-6)


def test_they_end_in_different_modes() -> None:
    times = np.array([0.0, 0.1, 12.0])
    by_drift = descent.follow(lambda z: drift_velocity(rare(), 1.0, z, z), START, times)
    by_velocity = descent.follow(lambda z: noised_velocity(rare(), 1.0, z, z, 16), START, times)
    assert float(by_drift[-1]) == pytest.approx(4, abs=0.01)
    assert float(by_velocity[-1]) == pytest.approx(-4, abs=0.01)
    energy = [float(smoothed_kl(rare(), 1.0, x[:, None], 16).energy(x[:, None])) for x in by_drift]
    assert energy[1] - energy[0] > 0.04  # it rises first
    assert energy[2] == pytest.approx(-np.log(0.001), abs=0.01)  # the price of the rare mode


def test_even_modes_have_no_such_start() -> None:
    """A negative control: where the modes overlap, u and v agree in sign wherever they are not 0."""
    p = descent.two_modes(0.5, 0.5, 0.5)
    for x in torch.linspace(-3, 3, 12, dtype=torch.float64):
        at = x.reshape(1, 1)
        assert descent.change(drift_velocity(p, 1.0, at, at), noised_velocity(p, 1.0, at, at, 16)) < 0


def test_noised_queries_follow_the_exact_flow() -> None:
    paths = descent.noised_paths(rare(), 1.0, 1.08, 16, 64, 0.01, 600, torch.Generator().manual_seed(0))
    assert float((paths[:, -1] < 0).double().mean()) == 1
    assert paths.shape == (16, 601)


def test_agreement_has_the_sign_of_the_products_of_the_fields() -> None:
    """The batched search against the fields of the other module, problem by problem."""
    found = descent.random_configurations(12, 3, torch.Generator().manual_seed(0))
    agreement = found.agreement(481)
    for k in range(12):
        p = GaussianMixture(
            torch.stack([1 - found.rare[k], found.rare[k]]),
            found.centres[k][:, None],
            found.deviations[k].square().repeat(2),
        )
        x = found.particles[k][:, None]
        u, v = drift_velocity(p, 1.0, x, x), noised_velocity(p, 1.0, x, x, 20)
        expected = 2 * (u * v).sum() / (u.square() + v.square()).sum()
        assert float(agreement[k]) == pytest.approx(float(expected), abs=1e-8)  # the coarser of two trapezoid rules


def test_moving_particles_finds_rises_that_chance_does_not() -> None:
    found = descent.random_configurations(40, 2, torch.Generator().manual_seed(0))
    sought = descent.ascend(found, 30, 0.1, 161)
    assert bool((sought <= found.agreement(161) + 1e-12).all())
    assert int((sought < 0).sum()) > int((found.agreement(161) < 0).sum())
