"""Features of a small classifier, learned from the data and its classes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Generator, Tensor, nn

from drift_cli.data import Finite, Target
from drift_cli.data.planes import Shape, image_shape
from drift_cli.errors import UserError
from drift_cli.features.base import Features, drawn, finite, learned
from drift_cli.features.trunk import Epochs, Trunk, Width
from drift_cli.learned import fit
from drift_cli.setting import Checked
from drift_cli.space import Fitting


@dataclass(frozen=True)
class Classifier(Checked):
    """Its three maps; the mean of the last one decides the class. It learns from classes, whether the run uses them or
    not; on the data that is held out, if there is any, its accuracy is reported.
    """

    width: Width
    epochs: Epochs

    def fitted(self, target: Target, fitting: Fitting) -> Features:
        shape, data = (
            image_shape(target.space, "drift.encoder=classifier", "space=identity or another drift"),
            finite(target, "classifier"),
        )
        if data.classes is None:
            raise UserError(
                "drift.encoder=classifier learns classes, and this data has none: use drift.encoder=masked_autoencoder."
            )
        count = int(data.classes.max()) + 1
        network = drawn(fitting.seed, lambda: _Network(shape, self.width, count))
        assert isinstance(network, _Network)
        return learned("classifier", network, lambda: self._learn(network, data, fitting), data, fitting, self)

    def _learn(self, network: _Network, data: Finite, fitting: Fitting) -> dict[str, Any]:
        began, device = time.perf_counter(), fitting.device
        assert data.classes is not None
        points, classes = data.points.to(device, torch.float32), data.classes.to(device)

        def loss(rows: Int[Tensor, " b"], _: Generator) -> Tensor:
            return nn.functional.cross_entropy(network.scores(points[rows]), classes[rows])

        fit(network, loss, len(points), fitting.seed, epochs=self.epochs)
        report: dict[str, Any] = {
            "parameters": sum(weight.numel() for weight in network.parameters()),
            "accuracy": None,
        }
        if (unseen := data.held_out) is not None and unseen.classes is not None:
            guesses = network.scores(unseen.points.to(device, torch.float32)).argmax(dim=1).cpu()
            report["accuracy"] = float((guesses == unseen.classes.cpu()).double().mean())
        return report | {"seconds": time.perf_counter() - began}


class _Network(Trunk):
    def __init__(self, shape: Shape, width: int, classes: int) -> None:
        super().__init__(shape, width)
        self.decide = nn.Linear(self.channels, classes)

    def scores(self, points: Tensor) -> Tensor:
        return self.decide(self(points)[-1].mean(dim=(2, 3)))
