from __future__ import annotations

import pytest
import torch

from drift_cli.drift import (
    BatchNormalized,
    FromDiscrepancy,
    KernelScore,
    Lookahead,
    MeanShift,
    MultiTemperature,
    Sharp,
    SinkhornProxy,
    drift_of_classes,
    drift_per_class,
)
from drift_cli.kernels import Laplace

DRIFT, KERNEL = MeanShift("exclude"), Laplace(0.4)


def test_classes_do_not_feel_each_other(plane) -> None:
    x, data = plane(30), plane(40)
    labels, data_labels = torch.arange(30) % 2, torch.arange(40) % 2
    before = drift_per_class(DRIFT, KERNEL, x, x, labels, data, data_labels)
    moved, moved_data = x.clone(), data.clone()
    moved[labels == 1] += 7.0
    moved_data[data_labels == 1] -= 3.0
    after = drift_per_class(DRIFT, KERNEL, moved, moved, labels, moved_data, data_labels)
    torch.testing.assert_close(after[labels == 0], before[labels == 0], rtol=0, atol=0)
    assert (after[labels == 1] - before[labels == 1]).abs().max() > 0.1


def test_one_class_is_the_plain_drift(plane) -> None:
    x, data = plane(30), plane(40)
    zeros = torch.zeros(40, dtype=torch.int64)
    found = drift_per_class(DRIFT, KERNEL, x, x, zeros[:30], data, zeros)
    torch.testing.assert_close(found, DRIFT(KERNEL, x, data, x, paired=True), rtol=0, atol=0)


def test_a_lone_sample_is_attracted_only(plane) -> None:
    x, data = plane(1), plane(12) + 2
    zeros = torch.zeros(12, dtype=torch.int64)
    found = drift_per_class(DRIFT, KERNEL, x, x, zeros[:1], data, zeros)
    weights = torch.softmax(KERNEL.log_profile(torch.cdist(x, data)), dim=1)
    torch.testing.assert_close(found, weights @ data - x)


@pytest.mark.parametrize(
    "drift",
    [
        MeanShift("exclude"),
        MultiTemperature(MeanShift("exclude"), (0.5, 2.0), normalize=True),
        MultiTemperature(BatchNormalized("include"), (0.5, 2.0), normalize=False),
        BatchNormalized("exclude"),
        SinkhornProxy("exclude"),
        Sharp("include"),
        KernelScore("exclude"),
        Lookahead(MeanShift("exclude"), (1.0, 0.5)),
        FromDiscrepancy(lambda kernel, x, y, generator: (x.mean() - y.mean()).square(), "means"),
    ],
)
@pytest.mark.parametrize("dimension", [2, 12])
def test_classes_of_one_size_are_each_as_if_alone(drift, dimension: int, plane) -> None:
    x, data = plane(3 * 20, dimension).view(3, 20, -1), plane(3 * 31, dimension).view(3, 31, -1)
    together = drift_of_classes(drift, KERNEL, x, data, x, paired=True)
    for k in range(3):
        alone = drift(KERNEL, x[k], data[k], x[k], paired=True)
        # torch's exponential of a number depends in its last digit on the number's place among the others.
        torch.testing.assert_close(together[k], alone, rtol=1e-12, atol=1e-14)
