"""The interface of encoders: from the data of a run to a map φ from points to feature maps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from drift_cli.data import Finite, Target
from drift_cli.errors import UserError
from drift_cli.learned import content_hash
from drift_cli.space import Fitting

Maps = list[Tensor]  # each [n, c, h, w]
_VERSION = 1  # of what is learned; another number makes every run learn anew


@runtime_checkable
class Encoder(Protocol):
    """An object of the group `encoder`."""

    def fitted(self, target: Target, fitting: Fitting) -> nn.Module:
        """φ, learned from the data where it is learned: from points [n, d] to a list of maps [n, c, h, w].

        Its gradient must reach the points. What it reports of itself, numbers by name, is its `report`, if it has one.
        Raises `UserError` for data that it cannot be of.
        """
        ...


class Features(nn.Module, ABC):
    """φ with its report."""

    report: dict[str, Any]

    @abstractmethod
    def forward(self, points: Float[Tensor, "n d"]) -> Maps:
        """The maps of these points."""


def learned(
    name: str, network: Features, learn: Callable[[], dict[str, Any]], target: Finite, fitting: Fitting, *settings: Any
) -> Features:
    """The network with the weights of the run's shelf, or those that `learn` gives it, by the content of the data."""
    key = content_hash(target.points, target.classes, target.space.image, *settings, fitting.seed, _VERSION)
    file = f"{name}-{key}.safetensors"
    network.to(fitting.device)
    if fitting.closed:
        network.report = fitting.shelf.kept(file, network)
    else:
        network.report = fitting.shelf.learned(name, key, network, lambda _: learn())
    return network


def finite(target: Target, who: str) -> Finite:
    """The images to learn from. Raises `UserError` where points are made without end."""
    if not isinstance(target, Finite):
        raise UserError(
            f"drift.encoder={who} learns from a finite set of images, and this data is generated without end."
        )
    return target


def drawn(seed: int, make: Callable[[], nn.Module]) -> nn.Module:
    """A network whose first weights are a function of the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
