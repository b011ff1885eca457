"""Generators of images: their shapes, classes and start, what they cost, and that they learn."""

from __future__ import annotations

import pytest
import torch

from drift_cli.data import Space
from drift_cli.data.digits import Digits
from drift_cli.data.planes import from_planes, to_planes
from drift_cli.drift import MeanShift, drift_per_class
from drift_cli.errors import UserError
from drift_cli.generator import Conv, Mlp, Network, Transformer, cost
from drift_cli.kernels import Laplace
from drift_cli.training.loss import loss_and_drift

DIGITS = Digits(labels=True).target()


def conv(shape: tuple[int, int, int], classes: int = 0) -> Conv:
    return Conv(5, 4, shape, classes)


def transformer(shape: tuple[int, int, int], classes: int = 0) -> Transformer:
    return Transformer(shape, 2, 16, 2, 4, classes)


MAKERS = pytest.mark.parametrize("make", [conv, transformer])


def started(model: Network, seed: int = 0) -> Network:
    model.initialise(DIGITS, torch.Generator().manual_seed(seed))
    return model


def drawn(model: Network, n: int, labels: torch.Tensor | None = None) -> torch.Tensor:
    return model.sample(n, torch.Generator().manual_seed(1), labels)


def test_planes_are_the_images(rng: torch.Generator) -> None:
    images = torch.randn(3, 4, 6, 2, generator=rng)  # [n, h, w, c]
    planes = to_planes(images.flatten(1), (4, 6, 2))
    assert torch.equal(planes[1, 1], images[1, :, :, 1])
    assert torch.equal(from_planes(planes), images.flatten(1))


@MAKERS
@pytest.mark.parametrize("shape", [(8, 8, 1), (10, 14, 3), (28, 28, 1)])
def test_samples_have_the_shape_and_about_the_size_of_the_data(make, shape: tuple[int, int, int]) -> None:
    x = drawn(started(make(shape)), 64)
    assert x.shape == (64, shape[0] * shape[1] * shape[2])
    assert 0.05 < float(x.detach().square().sum(dim=1).mean()) < 5  # the training space has 1
    assert float(x.detach().var(dim=0).sum()) > 0.01  # and they do not start in one place


@MAKERS
def test_the_same_seed_starts_the_same(make) -> None:
    first, same, other = (drawn(started(make((8, 8, 1)), seed), 16) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.allclose(first, other)


@MAKERS
def test_a_sample_does_not_depend_on_its_batch_and_does_on_its_class(make) -> None:
    model, labels = started(make((8, 8, 1), 10)), torch.arange(20) % 10
    noise = model.draw(20, torch.Generator().manual_seed(2))
    together = model(noise, labels)
    torch.testing.assert_close(model(noise[3:4], labels[3:4]), together[3:4], rtol=1e-4, atol=1e-6)
    moved = (model(noise, (labels + 1) % 10) - together).norm(dim=1)
    assert float(moved.detach().min()) > 0.01 * float(together.detach().norm(dim=1).mean())
    with pytest.raises(ValueError, match="classes"):
        model(noise)


@MAKERS
def test_samples_without_a_gradient_are_those_with_one(make) -> None:
    model = started(make((8, 8, 1), 3))
    labels = torch.arange(1100) % 3
    with torch.no_grad():
        parts = drawn(model, 1100, labels)
    torch.testing.assert_close(parts, drawn(model, 1100, labels).detach(), rtol=1e-4, atol=1e-6)


def test_a_patch_lies_where_its_noise_does() -> None:
    """Without blocks nothing is mixed: the noise of one patch changes that patch alone."""
    model = started(Transformer((4, 6, 3), 2, 16, 0, 4))
    noise = model.draw(1, torch.Generator().manual_seed(3)).unflatten(1, (6, 12))
    changed = noise.clone()
    changed[:, 4] += 1  # second row, second column of the 2 × 3 patches
    difference = (model(changed.flatten(1)) - model(noise.flatten(1))).unflatten(1, (4, 6, 3)).abs().sum(dim=(0, 3))
    inside = torch.zeros(4, 6, dtype=torch.bool)
    inside[2:4, 2:4] = True
    assert bool((difference[inside] > 0).all())
    assert not bool(difference[~inside].any())


def test_costs_are_those_counted_by_hand() -> None:
    mlp = cost(Mlp(2, (5, 7), 3, "relu"))
    assert (mlp.parameters, mlp.multiply_adds) == (15 + 42 + 24, 10 + 35 + 21)

    convolutions = cost(Conv(5, 4, (8, 8, 1), 2), classes=2)
    linear, up, last = 7 * 8 * 16, 16 * 16 * 8 * 4, 64 * 9 * 4  # up: every pixel of 4 × 4 spreads over 4 × 4
    assert convolutions.multiply_adds == linear + up + last

    tokens, width = 17, 16
    per_token = width * (3 * width + width + 8 * width)  # to queries, keys and values; joined; the MLP
    block = tokens * per_token + 2 * tokens**2 * width + width * 6 * width
    ends = 16 * 4 * width * 2
    assert cost(Transformer((8, 8, 1), 2, width, 2, 4)).multiply_adds == 2 * block + ends


@MAKERS
def test_it_learns_digits(make) -> None:
    """The drift's length on the training batch falls below 0.6 of itself (0.3 to 0.5 seen); turned round it grows."""

    def last_over_first(sign: float) -> float:
        model, kernel, field = started(make((8, 8, 1), 10)), Laplace(0.3), MeanShift("exclude")
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        lengths = []
        for step in range(60):
            generator = torch.Generator().manual_seed(step)
            batch = DIGITS.sample(200, generator, torch.float32)
            assert batch.labels is not None
            x = model.sample(200, generator, batch.labels)

            def drift(query: torch.Tensor, samples: torch.Tensor, batch=batch) -> torch.Tensor:
                each = drift_per_class(field, kernel, query, samples, batch.labels, batch.points, batch.labels)
                return sign * each

            loss, v = loss_and_drift("none", x, drift)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            lengths.append(float(v.norm(dim=1).mean()))
        return sum(lengths[-5:]) / sum(lengths[:5])

    assert last_over_first(1.0) < 0.6
    assert last_over_first(-1.0) > 1


@pytest.mark.parametrize(("kind", "settings"), [
    (Conv, {"noise": 8, "width": 8}),
    (Transformer, {"patch": None, "width": 8, "blocks": 1, "heads": 2}),
])  # fmt: skip
def test_points_that_are_no_images_are_refused(kind, settings: dict) -> None:
    with pytest.raises(UserError, match=r"needs images, and these are points with 3 coordinates: use generator=mlp\."):
        kind.from_settings(Space.unit(3), **settings)
    assert kind.from_settings(DIGITS.space, **settings).classes == 10


def test_a_patch_that_does_not_divide_is_refused() -> None:
    with pytest.raises(UserError, match=r"must divide both sides .* got 3: choose from \[1, 2, 4, 8\]"):
        Transformer.from_settings(DIGITS.space, patch=3, width=8, blocks=1, heads=2)
    with pytest.raises(UserError, match=r"heads must divide generator\.width"):
        Transformer.check_settings(width=10, blocks=1, heads=4)


def test_the_transformer_is_given_the_strength_of_guidance_as_a_token() -> None:
    """The same noise at another strength is another image; at the least strength it is what is drawn."""
    model = started(Transformer((8, 8, 1), 2, 16, 2, 4, classes=10, guided=True))
    labels = torch.arange(10)
    noise = model.draw(10, torch.Generator().manual_seed(1))
    assert torch.equal(drawn(model, 10, labels), model(noise, labels))
    assert torch.equal(model.at_strength(noise, torch.ones(1)), noise)
    stronger = model(model.at_strength(noise, torch.full((1,), 3.0)), labels)
    assert (stronger - model(noise, labels)).square().sum(dim=1).min() > 1e-6
    assert len(model.positions.rows) == 16 + 2  # patches, class, strength
    assert len(transformer((8, 8, 1), 10).positions.rows) == 16 + 1
