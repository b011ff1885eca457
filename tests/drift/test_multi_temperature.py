from __future__ import annotations

import torch

from drift_cli.drift import BatchNormalized, MeanShift, MultiTemperature
from drift_cli.drift.multi_temperature import unit_rms
from drift_cli.kernels import Laplace


def test_it_is_the_sum_of_the_drifts_at_each_bandwidth(plane) -> None:
    x, p = plane(40), plane(50) + 1
    for base in (MeanShift("include"), BatchNormalized("exclude")):
        total = MultiTemperature(base, (0.5, 2.0), normalize=False)(Laplace(0.2), x, p, x, paired=True)
        parts = [base(Laplace(tau), x, p, x, paired=True) for tau in (0.1, 0.4)]
        torch.testing.assert_close(total, parts[0] + parts[1], rtol=1e-14, atol=1e-15)


def test_normalised_scales_act_with_equal_strength(plane) -> None:
    x, p = plane(40), plane(50) + 1
    base = MeanShift("include")
    total = MultiTemperature(base, (0.1, 10.0), normalize=True)(Laplace(0.2), x, p, x, paired=True)
    parts = [unit_rms(base(Laplace(tau), x, p, x, paired=True)) for tau in (0.02, 2.0)]
    for part in parts:
        torch.testing.assert_close(part.square().mean(), torch.ones((), dtype=torch.float64))
    torch.testing.assert_close(total, parts[0] + parts[1])


def test_a_vanishing_drift_is_not_divided_by_zero(plane) -> None:
    x = plane(30)
    drift = MultiTemperature(MeanShift("include"), (1.0, 3.0), normalize=True)
    assert drift(Laplace(0.2), x, x, x, paired=True).abs().max() == 0
