"""Judging images: real unseen ones stand at every floor, and each way to fail is seen by the number meant for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from drift_cli.data.digits import Digits
from drift_cli.judging import ImageQuality, judge_images
from drift_cli.learned import Shelf


@dataclass(frozen=True)
class Real:
    """Real digits in three disjoint parts; `judge` takes generated images and their labels."""

    train: Tensor
    train_classes: Tensor
    unseen: Tensor
    unseen_classes: Tensor
    judge: Callable[[Tensor, Tensor | None], ImageQuality]


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Real:
    images = Digits(labels=True).images()
    rows = torch.randperm(len(images.pixels), generator=torch.Generator().manual_seed(0))
    parts = rows[:1197].sort().values, rows[1197:1497], rows[1497:]
    (train, held_out, unseen), (c, h, u) = (
        [torch.from_numpy(whole)[part] for part in parts] for whole in (images.pixels, images.labels)
    )
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    judge = partial(judge_images, train, c, held_out, h, shape=images.shape, seed=5, shelf=shelf)
    return Real(train, c, unseen, u, judge)


@pytest.fixture(scope="module")
def at_truth(real: Real) -> ImageQuality:
    return real.judge(real.unseen, real.unseen_classes)


def test_the_judges_are_right(at_truth: ImageQuality) -> None:
    assert at_truth.accuracy.floor > 0.96
    assert at_truth.accuracy_svm.floor > 0.96


def test_unseen_images_are_at_every_floor(at_truth: ImageQuality) -> None:
    """300 images: a share near 0.95 has the deviation 0.013, and the difference of two of them 0.018."""
    for name in ("accuracy", "accuracy_svm", "precision", "recall", "coverage"):
        beside = getattr(at_truth, name)
        assert beside.value == pytest.approx(beside.floor, abs=0.055), name
    assert at_truth.frechet.value < 2 * at_truth.frechet.floor
    assert at_truth.energy.value < 1.2 * at_truth.energy.floor  # both are the size's bias, above all
    assert at_truth.density.value == pytest.approx(1, abs=0.2)
    assert at_truth.spread.value == pytest.approx(1, abs=0.2)
    assert at_truth.neighbour_ratio.value == pytest.approx(1, abs=0.1)
    assert at_truth.class_p.value > 0.01
    for pref in (at_truth.pref_pixels, at_truth.pref_features):
        assert pref.value == pytest.approx(0.5, abs=0.08)
        assert pref.floor == pytest.approx(0.5, abs=0.08)


def test_collapsed_class_means_are_recognised_and_nothing_else(real: Real, at_truth: ImageQuality) -> None:
    labels = torch.arange(300) % 10
    means = torch.stack([real.train[real.train_classes == label].mean(dim=0) for label in range(10)])
    found = real.judge(means[labels], labels)
    assert found.accuracy.value == 1
    assert found.frechet.value > 5 * at_truth.frechet.value
    assert found.spread.value < 0.01
    assert found.coverage.value < 0.3
    assert found.recall.value < 0.1


def test_copies_prefer_what_they_copy(real: Real, at_truth: ImageQuality) -> None:
    found = real.judge(real.train[:300], real.train_classes[:300])
    for pref, unseen in (
        (found.pref_pixels, at_truth.pref_pixels),
        (found.pref_features, at_truth.pref_features),
    ):
        assert pref.value == pytest.approx(pref.copies, abs=0.06)
        assert pref.value > unseen.value + 0.06  # three sets of four lack the copied image: 1/4 + 3/8 is the most
    assert found.neighbour_ratio.value == pytest.approx(0, abs=1e-6)


def test_shuffled_labels_are_at_chance(real: Real) -> None:
    shuffled = real.unseen_classes[torch.randperm(300, generator=torch.Generator().manual_seed(1))]
    found = real.judge(real.unseen, shuffled)
    for beside in (found.accuracy, found.accuracy_svm):
        assert beside.value == pytest.approx(0.1, abs=0.06)  # 3.5 deviations of 300 images


def test_a_missing_class_is_missed(real: Real, at_truth: ImageQuality) -> None:
    there = real.unseen_classes != 3
    found = real.judge(real.unseen[there], None)
    assert found.accuracy.value is None
    assert found.class_p.value < 1e-4 < at_truth.class_p.value  # 30 images expected
    assert found.class_shares[3] < 0.02
    assert found.coverage.value < at_truth.coverage.value - 0.04  # a tenth of the images, some with neighbours left
    assert found.recall.value < at_truth.recall.value


def test_it_repeats_itself_and_every_number_has_its_floor(real: Real, at_truth: ImageQuality) -> None:
    assert real.judge(real.unseen, real.unseen_classes) == at_truth
    numbers = at_truth.flat()
    assert {"accuracy", "accuracy_floor", "pref_pixels_floor_sd", "pref_features_copies"} <= numbers.keys()
    assert all(isinstance(number, float) for number in numbers.values())


def test_colour(tmp_path: Path) -> None:
    """Three classes that differ in nothing but their colour: a judge that sees one channel is at chance."""
    generator = torch.Generator().manual_seed(0)
    classes = torch.arange(240) % 3
    hue = torch.eye(3)[classes][:, None, :]
    images = (0.5 * hue + 0.3 * torch.rand(240, 60, 3, generator=generator)).flatten(1)
    found = judge_images(images[:120], classes[:120], images[120:180], classes[120:180], images[180:], classes[180:],
                         (10, 6, 3), 0, Shelf(tmp_path))  # fmt: skip
    assert found.accuracy.value == 1
    assert [file.suffix for file in tmp_path.iterdir()] == [".safetensors"]
