from __future__ import annotations

import torch

from drift_cli.config.objects import defaults, settings_class
from drift_cli.data.nested import Nested


def test_it_has_unit_size_and_a_cluster_for_every_choice(rng: torch.Generator) -> None:
    target = Nested(scales=3, ratio=1 / 3, noise=1e-4)
    x = target.draw(20_000, rng, torch.float64)
    assert abs(float(x.square().sum(dim=1).mean()) - 1) < 0.02  # 20,000 draws
    assert len((x / (target.lengths[-1] / 4)).round().unique(dim=0)) == 4**3


def test_each_scale_is_a_third_of_the_one_above(rng: torch.Generator) -> None:
    target = Nested(scales=5, ratio=1 / 3, noise=0.0)
    x = target.draw(20_000, rng, torch.float64)
    left = x
    for length in target.lengths:  # the sign of what is left says the corner, as ρ < 1/2
        assert abs(float(left.abs().mean()) * 2**0.5 / length - 1) < 0.02
        left = left - left.sign() * (length / 2**0.5)
    assert float(left.abs().max()) < 1e-12


def test_its_settings_are_its_own() -> None:
    values = defaults("dataset", "nested")
    made = settings_class("dataset", "nested")(**values).made()
    assert (made.dimension, made.scales) == (2, 5)
