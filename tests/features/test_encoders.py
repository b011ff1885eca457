"""Feature maps of images: what is learned, what is fixed, and how maps are cut into groups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from drift_cli.data import Space
from drift_cli.data.digits import Digits
from drift_cli.data.target import Endless, Finite
from drift_cli.errors import UserError
from drift_cli.features import KINDS, Classifier, MaskedAutoencoder, Scattering, groups
from drift_cli.features.scattering import Scatter
from drift_cli.learned import Shelf
from drift_cli.space import Fitting

DIGITS = Digits(labels=False, held_out=0.2).target()
FEW = replace(DIGITS, points=DIGITS.points[:400], classes=DIGITS.classes[:400])
CLASSIFIER, PAINTER = Classifier(width=8, epochs=6), MaskedAutoencoder(width=8, epochs=40, masked=0.5)


def smooth_images(n: int, side: int, generator: torch.Generator) -> torch.Tensor:
    """Noise with a falling spectrum and a dark edge, as images have, [n, side²] in float64."""
    down, across = (torch.fft.fftfreq(side, dtype=torch.float64).reshape(shape) for shape in ((-1, 1), (1, -1)))
    noise = torch.randn(n, side, side, generator=generator, dtype=torch.float64)
    planes = torch.fft.ifft2(torch.fft.fft2(noise) / (0.05 + (down**2 + across**2).sqrt())).real
    planes = planes / planes.std()
    planes[:, :6], planes[:, -6:], planes[:, :, :6], planes[:, :, -6:] = 0, 0, 0, 0
    return planes.flatten(1) / side  # of about unit length


def test_a_classifier_knows_unseen_digits_and_is_learned_once(tmp_path: Path) -> None:
    first = CLASSIFIER.fitted(DIGITS, Fitting(0, shelf=Shelf(tmp_path)))
    assert first.report["accuracy"] > 0.9  # a guess has 0.1
    again = CLASSIFIER.fitted(DIGITS, Fitting(0, shelf=Shelf(tmp_path), closed=True))
    assert first.report == again.report
    points = DIGITS.points[:5].float()
    for one, other in zip(first(points), again(points), strict=True):
        assert torch.equal(one, other)
    assert [each.shape for each in first(points)] == [(5, 8, 8, 8), (5, 16, 4, 4), (5, 32, 2, 2)]
    with pytest.raises(UserError, match="There is no"):  # another seed is another network
        CLASSIFIER.fitted(DIGITS, Fitting(1, shelf=Shelf(tmp_path), closed=True))


def test_a_masked_autoencoder_paints_better_than_the_mean() -> None:
    network = PAINTER.fitted(FEW, Fitting(0))
    assert network.report["error"] < 0.9  # pixels have a variance of one on average, hidden ones too
    assert network.report["error"] < replace(PAINTER, epochs=2).fitted(FEW, Fitting(0)).report["error"]
    x = FEW.points[:3].float().requires_grad_()
    sum(each.square().sum() for each in network(x)).backward()
    assert float(x.grad.norm()) > 0  # the gradient reaches the points, and not the weights
    assert not any(weight.requires_grad for weight in network.parameters())


def test_data_that_an_encoder_cannot_be_of_is_refused() -> None:
    bare = Finite(DIGITS.points, None, DIGITS.space)
    with pytest.raises(UserError, match=r"this data has none: use drift\.encoder=masked_autoencoder"):
        CLASSIFIER.fitted(bare, Fitting())
    table = Finite(torch.zeros(5, 3), None, Space.unit(3))
    for encoder in (CLASSIFIER, PAINTER, Scattering(1, 2)):
        with pytest.raises(UserError, match="needs images, and these are points with 3 coordinates"):
            encoder.fitted(table, Fitting())
    with pytest.raises(UserError, match="needs images of more than 8 pixels per side, and these have 8 x 8"):
        Scattering(3, 4).fitted(DIGITS, Fitting())

    class Images:
        dimension = 64

        def draw(self, n, generator, dtype):
            return torch.zeros(n, 64, dtype=dtype)

    class Known(Endless):
        space = DIGITS.space

    with pytest.raises(UserError, match="learns from a finite set of images"):
        PAINTER.fitted(Known(Images()), Fitting())


def test_scattering_has_the_maps_that_its_orders_have() -> None:
    (maps,) = Scatter((28, 20, 3), 2, 4)(torch.zeros(2, 28 * 20 * 3))
    assert maps.shape == (2, 3 * (1 + 8 + 16), 7, 5)
    (odd,) = Scatter((25, 25, 1), 2, 2)(torch.zeros(2, 625))
    assert odd.shape == (2, 1 + 4 + 4, 7, 7)


def test_scattering_never_stretches_distances_and_keeps_most_energy(rng: torch.Generator) -> None:
    """Littlewood-Paley: every filter bank that sums to at most one does not expand; two orders keep nearly all."""
    net, side = Scatter((32, 32, 1), 2, 6).double(), 32
    x, y = smooth_images(2, side, rng).unsqueeze(1)
    area = 4**2  # pixels that each place of a map stands for

    def energy(points: torch.Tensor, other: torch.Tensor) -> float:
        return float((net(points)[0] - net(other)[0]).square().sum() * area / side**2)

    assert energy(x, y) <= 1.02 * float((x - y).square().sum())  # 2 %: a sum over every fourth pixel
    kept = energy(x, torch.zeros_like(x)) / float(x.square().sum())
    assert 0.6 < kept <= 1.02
    bank = net.low**2 + ((net.wavelets**2) + net.wavelets.flip(1, 2).roll((1, 1), (1, 2)) ** 2).sum(dim=0) / 2
    assert float(bank.max()) <= 1 + 1e-6


def test_scattering_moves_less_than_pixels_do_when_an_image_is_moved(rng: torch.Generator) -> None:
    net, x = Scatter((32, 32, 1), 3, 4).double(), smooth_images(20, 32, rng)
    moved = x.unflatten(1, (32, 32)).roll(1, 2).flatten(1)
    shuffled = x[torch.randperm(20, generator=rng)]

    def change(of, other: torch.Tensor) -> float:
        return float((of(other) - of(x)).norm() / of(x).norm())

    def features(points: torch.Tensor) -> torch.Tensor:
        return net(points)[0].flatten(1)

    assert change(features, moved) < 0.5 * change(lambda points: points, moved)
    assert change(features, shuffled) > 3 * change(features, moved)  # and still tells images apart


def test_scattering_tells_directions(rng: torch.Generator) -> None:
    """A wave along an axis answers most to the wavelets of its angle."""
    net = Scatter((32, 32, 1), 2, 4).double()
    wave = torch.cos(2.0 * torch.arange(32.0, dtype=torch.float64)).expand(32, 32).flatten() / 32  # along the columns
    first = net(wave.unsqueeze(0))[0].mean(dim=(0, 2, 3))
    finest = first[[1, 1 + 5, 1 + 10, 1 + 15]]  # each of the finest scale is followed by its four of second order
    assert int(finest.argmax()) == 0
    assert float(finest[0]) > 3 * float(finest[2])


def test_groups_are_places_means_and_deviations(rng: torch.Generator) -> None:
    maps = torch.randn(5, 3, 8, 6, generator=rng, dtype=torch.float64)
    locations, mean, deviation, mean2, _, mean4, deviation4 = groups([maps], KINDS)
    assert [each.shape[:2] for each in (locations, mean, mean2, mean4)] == [(48, 5), (1, 5), (12, 5), (2, 5)]
    assert torch.equal(locations[9], maps[:, :, 1, 3])  # the second row's fourth place
    torch.testing.assert_close(mean[0], maps.mean(dim=(2, 3)))
    torch.testing.assert_close(deviation[0], maps.std(dim=(2, 3), correction=0), rtol=1e-5, atol=0)
    torch.testing.assert_close(mean2[4], maps[:, :, 2:4, 2:4].mean(dim=(2, 3)))  # the second row's second patch
    torch.testing.assert_close(deviation4[1], maps[:, :, 4:8, 0:4].std(dim=(2, 3), correction=0), rtol=1e-5, atol=0)
    flat = torch.ones(2, 3, 4, 4, requires_grad=True)
    torch.autograd.grad(sum(each.sum() for each in groups([flat], ("whole",))), flat)[0].isfinite().all()
