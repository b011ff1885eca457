"""The drift of features: its loss is Deng et al.'s, its scales are those of the batch, classes stay apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from drift_cli.data.digits import Digits
from drift_cli.drift import BatchNormalized, Features, MeanShift, abilities
from drift_cli.drift.base import AtFactors
from drift_cli.drift.features import _distance
from drift_cli.errors import UserError
from drift_cli.features import KINDS, Classifier, Scattering, groups
from drift_cli.kernels import Laplace
from drift_cli.space import Fitting
from drift_cli.training.loss import loss_and_drift

KERNEL, FACTORS = Laplace(0.3), (0.5, 2.0)


class Maps(nn.Module):
    """Two maps of 6 × 6 images, neither linear."""

    def forward(self, points: Tensor) -> list[Tensor]:
        planes = points.unflatten(1, (1, 6, 6))
        first = torch.cat([planes.tanh(), planes.square(), (2 * planes).sin()], dim=1)
        return [first, nn.functional.avg_pool2d(first, 2).exp()]


def operator(base: AtFactors, *, normalize: bool, points: bool = True) -> Features:
    return Features(base, Scattering(1, 1), KINDS, points, FACTORS, normalize, Maps())


@pytest.fixture
def images(rng: torch.Generator) -> Callable[[int], Tensor]:
    return lambda n: torch.randn(n, 36, generator=rng, dtype=torch.float64)


def literal_loss(x: Tensor, data: Tensor, base: AtFactors, *, normalize: bool) -> Tensor:
    """Σ_g |φ_g(x) − sg(φ_g(x) + V_g)|², written out set by set, with every distance in a matrix."""

    def features(points: Tensor) -> list[Tensor]:
        return [*groups(Maps()(points), KINDS), points.unsqueeze(0)]

    total = x.new_zeros(())
    for query, positive in zip(features(x), features(data), strict=True):
        held = query.detach()
        pairs = [torch.cdist(one, torch.cat([other, one])) for one, other in zip(held, positive, strict=True)]
        size = torch.stack(pairs).square().mean().sqrt()
        parts = torch.zeros_like(held)
        for factor in FACTORS:
            v = torch.stack([
                base(KERNEL.scaled(factor), one / size, other / size, one / size, paired=True)
                for one, other in zip(held, positive, strict=True)
            ])  # fmt: skip
            parts = parts + (v / v.square().sum(dim=2).mean().sqrt() if normalize else v)
        total = total + (query / size - (query / size + parts).detach()).square().sum()
    return total


@pytest.mark.parametrize("base", [MeanShift("exclude"), BatchNormalized("include")])
@pytest.mark.parametrize("normalize", [True, False])
def test_the_stop_gradient_loss_has_the_gradient_of_dengs(base: AtFactors, normalize: bool, images) -> None:
    x, data = images(9).requires_grad_(), images(11) + 0.3
    (wanted,) = torch.autograd.grad(literal_loss(x, data, base, normalize=normalize), x)
    drift = operator(base, normalize=normalize)
    loss, v = loss_and_drift("none", x, lambda query, own: drift(KERNEL, query, data, own, paired=True))
    (found,) = torch.autograd.grad(len(x) * loss, x)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(-2 * v, wanted, rtol=1e-9, atol=1e-11)
    without = operator(base, normalize=normalize, points=False)(KERNEL, x.detach(), data, x.detach(), paired=True)
    assert float((without + wanted / 2).norm()) > 1e-3 * float(wanted.norm())  # a group left out is another loss


def test_classes_together_are_classes_by_themselves(images) -> None:
    drift = operator(MeanShift("exclude"), normalize=True)
    assert abilities(drift).batched
    x, data = images(20).unflatten(0, (4, 5)), images(28).unflatten(0, (4, 7))
    together = drift(KERNEL, x, data, x, paired=True)
    for k in range(4):
        torch.testing.assert_close(together[k], drift(KERNEL, x[k], data[k], x[k], paired=True), rtol=1e-9, atol=1e-11)
    other = drift(KERNEL, x, data.roll(1, 0), x, paired=True)
    assert not torch.allclose(together, other)


def test_nothing_drifts_where_samples_are_the_data(images) -> None:
    x = images(15)
    still = operator(MeanShift("include"), normalize=True)(KERNEL, x, x, x, paired=True)
    assert float(still.abs().max()) < 1e-12
    assert float(operator(MeanShift("include"), normalize=True)(KERNEL, x, x + 0.1, x, paired=True).abs().max()) > 0.1


def test_sizes_are_the_distances_of_pairs(images) -> None:
    query, positive, negative = images(8), images(5) + 1, images(7)
    pairs = torch.cdist(query, torch.cat([positive, negative])).square().mean().sqrt()
    found = _distance(*(each.unflatten(0, (1, 1, -1)) for each in (query, positive, negative)))
    torch.testing.assert_close(found.squeeze(), pairs)


def test_samples_beside_the_queries_repel_too(images) -> None:
    """Other rows of `model` are no queries: they are seen in features as the queries are."""
    drift = operator(MeanShift("include"), normalize=False)
    x, data, more = images(6), images(9), images(4)
    whole = torch.cat([x, more])
    apart = drift(KERNEL, x, data, whole, paired=False)
    torch.testing.assert_close(drift(KERNEL, x, data, whole, paired=True), apart, rtol=1e-9, atol=1e-11)
    assert not torch.allclose(drift(KERNEL, x, data, x, paired=True), apart)


def test_it_is_fitted_to_images_alone() -> None:
    digits = Digits(labels=True).target()
    drift = Features(MeanShift("exclude"), Scattering(2, 2), ("locations",), False, (1.0,), True)
    fitted = drift.fitted(digits, Fitting())
    x = digits.points[:12].float()
    v = fitted(KERNEL, x, x + 0.01, x, paired=True)
    assert v.shape == x.shape
    assert bool(v.isfinite().all())
    assert fitted.report == {"maps": 1 + 4 + 4}
    assert drift.report == {}


def test_samples_move_toward_the_data_in_features() -> None:
    """Particles of noise along V: the distance of mean features shrinks; against it, it grows."""
    digits = Digits(labels=True).target()
    drift = Features(MeanShift("exclude"), Classifier(8, 2), ("whole", "patches2"), True, (0.5, 2.0), True)
    fitted = drift.fitted(digits, Fitting())
    assert fitted.maps is not None
    data = digits.points[:80].float()

    def apart(points: Tensor) -> float:
        return sum(float((one.mean(0) - two.mean(0)).norm()) for one, two in zip(
            fitted.maps(points), fitted.maps(data), strict=True))  # fmt: skip

    def after(sign: float) -> float:
        x = 0.1 * torch.randn(40, 64, generator=torch.Generator().manual_seed(0))
        for _ in range(20):
            v = fitted(Laplace(0.1), x, data, x, paired=True)
            x = x + sign * 0.05 * v / v.norm(dim=1).mean()
        return apart(x)

    start = apart(0.1 * torch.randn(40, 64, generator=torch.Generator().manual_seed(0)))
    assert after(1.0) < 0.6 * start
    assert after(-1.0) > start


def test_codes_have_no_features() -> None:
    from drift_cli.data import Space
    from drift_cli.data.target import Finite

    codes = Finite(torch.zeros(4, 32), None, Space.of_codes(32, None))
    with pytest.raises(UserError, match="needs images, and these are points with 32 coordinates"):
        Features(MeanShift("exclude"), Scattering(2, 2), KINDS, True, (1.0,), True).fitted(codes, Fitting())
