"""The four losses: one value, and each gradient that of the paths it names."""

from __future__ import annotations

import pytest
import torch

from drift_cli.drift import BatchNormalized, MeanShift, MultiTemperature, drift_per_class
from drift_cli.drift.base import Drift
from drift_cli.kernels import Gaussian, Kernel, Laplace
from drift_cli.training.loss import loss_and_drift

PATHS = ("none", "query", "samples", "both")
DRIFTS: dict[str, Drift] = {
    "include": MeanShift("include"),
    "exclude": MeanShift("exclude"),
    "batch_normalized": BatchNormalized("exclude"),
    "multi_temperature": MultiTemperature(MeanShift("exclude"), (0.5, 2.0), normalize=False),
}


def field(drift: Drift, kernel: Kernel, data: torch.Tensor):
    return lambda x, model: drift(kernel, x, data, model, paired=True)


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS)
@pytest.mark.parametrize("kernel", [Gaussian(0.6), Laplace(0.5)], ids=["gaussian", "laplace"])
def test_each_gradient_is_that_of_the_paths_it_names(drift: Drift, kernel: Kernel, plane) -> None:
    x, data, direction = plane(12), plane(15), plane(12)
    evaluate = field(drift, kernel, data)

    def slope(query: float, samples: float) -> float:
        """The derivative of the loss as the queries, the samples or both move along `direction`."""
        # Central differences: h² of truncation and 1e-16/h of rounding are both near 1e-10; but h where a sample of the
        # Laplace kernel leaves the query that it coincides with. Attached, as the paths that do not move are not equal.
        h, leaf = 1e-6, x.clone().requires_grad_()
        ends = [evaluate(leaf + s * query * h * direction, leaf + s * samples * h * direction) for s in (1, -1)]
        values = [end.detach().square().sum(dim=1).mean() for end in ends]
        return float(values[0] - values[1]) / (2 * h)

    gradients = {}
    for paths in PATHS:
        leaf = x.clone().requires_grad_()
        loss, drifted = loss_and_drift(paths, leaf, evaluate)
        assert not drifted.requires_grad
        torch.testing.assert_close(loss.detach(), drifted.square().sum(dim=1).mean(), rtol=1e-12, atol=0)
        (gradients[paths],) = torch.autograd.grad(loss, leaf)
    for paths, moved in (("query", (1.0, 0.0)), ("samples", (0.0, 1.0)), ("both", (1.0, 1.0))):
        assert float((gradients[paths] * direction).sum()) == pytest.approx(slope(*moved), rel=1e-5, abs=1e-8)
    torch.testing.assert_close(gradients["both"], gradients["query"] + gradients["samples"])
    torch.testing.assert_close(gradients["none"], -2 / len(x) * evaluate(x, x))
    assert torch.cosine_similarity(gradients["none"].flatten(), gradients["query"].flatten(), dim=0) < 0.99


def test_classes_keep_their_paths(plane) -> None:
    x, data = plane(12).requires_grad_(), plane(15)
    labels, data_labels = torch.arange(12) % 2, torch.arange(15) % 2

    def by_class(query, model):
        return drift_per_class(MeanShift("exclude"), Laplace(0.5), query, model, labels, data, data_labels)

    (found,) = torch.autograd.grad(loss_and_drift("samples", x, by_class)[0], x)
    mine, its = x.detach()[labels == 0].requires_grad_(), data[data_labels == 0]
    alone, _ = loss_and_drift("samples", mine, field(MeanShift("exclude"), Laplace(0.5), its))
    torch.testing.assert_close(found[labels == 0], torch.autograd.grad(alone, mine)[0] * len(mine) / len(x))
