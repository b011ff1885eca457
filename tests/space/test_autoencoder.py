"""Codes of unit size that lose little, from images of any shape and from tables."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from drift_cli.config.objects import chosen, defaults, settings_class
from drift_cli.data import Endless, Finite, Space
from drift_cli.data.gaussian_mixture import GaussianMixture
from drift_cli.errors import UserError
from drift_cli.learned import Shelf
from drift_cli.space import Auto, Autoencoder, Fitting, Identity
from drift_cli.space.networks import moved
from tests.problems.pictures import discs


def autoencoder(**given) -> Autoencoder:
    small = {"dimension": 4, "widths": [8, 8], "epochs": 30, "shift": 0.0, "turn": 0.0, "lr": 0.01, "batch_size": 32}
    values = {**defaults("space", "autoencoder"), **small, **given}
    return settings_class("space", "autoencoder")(**values).made()


def images(n: int = 400, **shape: int) -> Finite:
    pixels = discs(n, **shape)
    space = Space.of_images(pixels.reshape(n, -1), pixels.shape[1:], None)
    return Finite(torch.from_numpy(space.from_units(pixels.reshape(n, -1))), None, space)


def root_mean_square(points: torch.Tensor) -> float:
    return float((points - points.mean(dim=0)).square().sum(dim=1).mean().sqrt())


@pytest.fixture(scope="module")
def learned():
    return autoencoder().fitted(images(), Fitting())


def test_codes_have_unit_size_about_zero(learned) -> None:
    codes = learned.coded(images())
    assert codes.points.shape == (400, 4)
    assert codes.space.dimension == 4
    assert root_mean_square(codes.points) == pytest.approx(1, abs=1e-5)
    assert float(codes.points.mean(dim=0).abs().max()) < 1e-5


def test_what_is_decoded_is_near_what_was_encoded(learned) -> None:
    """A disc has two coordinates, so four codes can hold it; a network before training reconstructs nothing."""
    target = images()
    assert learned.error(target.points) < 0.4
    assert learned.report["error"] == pytest.approx(learned.error(target.points), rel=1e-4)
    assert autoencoder(lr=1e-9, epochs=1).fitted(target, Fitting()).error(target.points) > 0.9


def test_decoded_images_are_pixels_in_the_range_of_the_data(learned) -> None:
    far = 5 * torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    units = learned.space.to_units(learned.decode(far))
    assert float(units.min()) > -1e-5
    assert float(units.max()) < 1 + 1e-5


def test_what_is_held_out_is_coded_and_learned_from_by_nobody() -> None:
    target = images()
    spoilt = Finite(5 * torch.ones(30, 120, dtype=torch.float64), None, target.space)
    alone = autoencoder(epochs=1).fitted(target, Fitting())
    beside = autoencoder(epochs=1).fitted(Finite(target.points, None, target.space, held_out=spoilt), Fitting())
    assert alone.marks == beside.marks
    assert "error_held_out" not in alone.report
    assert beside.report["error_held_out"] > 2 * beside.report["error"]
    coded = beside.coded(Finite(target.points, None, target.space, held_out=target))
    assert isinstance(coded, Finite)
    assert coded.held_out is not None
    assert torch.equal(coded.held_out.points, coded.points)


@pytest.mark.parametrize("shape", [(12, 10), (25, 25), (9, 7), (8, 12, 3)])
def test_images_of_any_shape_come_back_in_their_shape(shape: tuple[int, ...]) -> None:
    d = math.prod(shape)
    pixels = np.random.default_rng(0).uniform(size=(40, d))
    space = Space.of_images(pixels, shape[:2], None) if len(shape) == 2 else None
    if space is None:
        names = tuple(f"pixel_{k}" for k in range(d))
        space = Space(names, (0.5,) * d, (1.0,) * d, shape)  # type: ignore[arg-type]
    target = Finite(torch.from_numpy(space.from_units(pixels)), None, space)
    codec = autoencoder(epochs=1).fitted(target, Fitting())
    assert codec.decode(codec.coded(target).points).shape == (40, d)  # type: ignore[attr-defined]


def test_a_table_is_learned_by_an_mlp_and_keeps_its_units() -> None:
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(500, 2)) @ rng.normal(size=(2, 10))  # two dimensions in ten
    space = Space.of_columns(plane, tuple("abcdefghij"))
    target = Finite(torch.from_numpy(space.from_units(plane)), None, space)
    two = autoencoder(dimension=2, widths=[32], noise=0.0, epochs=60).fitted(target, Fitting())
    one = autoencoder(dimension=1, widths=[32], noise=0.0, epochs=60).fitted(target, Fitting())
    assert two.error(target.points) < 0.25
    assert one.error(target.points) > 0.4  # the control: one number cannot hold two


def test_a_target_without_end_is_coded_as_it_is_drawn() -> None:
    means = ((1.0, 0.0, 0.0, 0.0), (-1.0, 0.0, 0.0, 0.0))
    target = Endless(GaussianMixture(means, (1.0, 1.0), 0.05))
    codec = autoencoder(dimension=1, widths=[16], epochs=3).fitted(target, Fitting())
    batch = codec.coded(target).sample(300, torch.Generator().manual_seed(1), torch.float64)
    assert batch.points.shape == (300, 1)
    assert batch.points.dtype == torch.float64
    assert root_mean_square(batch.points) == pytest.approx(1, abs=0.1)


def test_the_same_content_is_learned_once_and_other_content_anew(tmp_path: Path) -> None:
    shelf = Shelf(common=tmp_path)
    first = autoencoder(epochs=1).fitted(images(), Fitting(seed=3, shelf=shelf))
    again = autoencoder(epochs=1).fitted(images(), Fitting(seed=3, shelf=shelf))
    assert (first.report["kept"], again.report["kept"]) == (False, True)
    assert first.marks == again.marks
    others = [
        autoencoder(epochs=1).fitted(images(), Fitting(seed=4, shelf=shelf)),
        autoencoder(epochs=1, noise=0.1).fitted(images(), Fitting(seed=3, shelf=shelf)),
        autoencoder(epochs=1).fitted(images(399), Fitting(seed=3, shelf=shelf)),
    ]
    assert not any(other.report["kept"] for other in others)
    assert len({other.marks["weights"] for other in (first, *others)}) == 4
    fixed = [autoencoder(epochs=1, seed=0).fitted(images(), Fitting(seed, shelf=shelf)).marks for seed in (1, 2)]
    assert fixed[0] == fixed[1]


def test_moved_images_stay_still_by_nothing_and_move_by_whole_pixels() -> None:
    pixels = torch.from_numpy(discs(50)).flatten(1)
    still = moved(pixels, (12, 10), 0, 0, torch.Generator().manual_seed(0))
    torch.testing.assert_close(still, pixels)
    shifted = moved(pixels, (12, 10), 2, 15, torch.Generator().manual_seed(0))
    assert float((shifted - pixels).abs().mean()) > 0.01
    assert float((shifted.sum(dim=1) / pixels.sum(dim=1)).min()) > 0.5  # and little leaves the picture


def test_too_small_an_image_is_refused() -> None:
    with pytest.raises(UserError, match=r"halves an image 4 times, and 12 x 10 pixels are too few"):
        autoencoder(widths=[4, 4, 4, 4]).fitted(images(), Fitting())


@pytest.mark.parametrize(
    ("space", "name"),
    [
        (Space.of_images(discs(3, 9, 9).reshape(3, -1), (9, 9), None), "autoencoder"),
        (Space.of_images(discs(3, 8, 8).reshape(3, -1), (8, 8), None), "identity"),
        (Space.unit(784), "identity"),
    ],
)
def test_larger_images_ask_for_codes(space: Space, name: str) -> None:
    assert Auto.name_for(space) == name


def test_the_identity_changes_nothing() -> None:
    target = images(20)
    codec = chosen("space", "identity").made().fitted(target, Fitting())
    assert isinstance(codec, Identity)
    assert codec.coded(target) is target
    assert codec.decode(target.points) is target.points
    assert codec.marks == {}
