"""Targets, one file each; `build` makes the one that the settings name."""

from __future__ import annotations

from pathlib import Path

from drift_cli.config import dataset as settings
from drift_cli.data import array, images
from drift_cli.data.checkerboard import Checkerboard
from drift_cli.data.gaussian_mixture import GaussianMixture, evenly_spaced
from drift_cli.data.moons import Moons
from drift_cli.data.pinwheel import Pinwheel
from drift_cli.data.rings import Rings
from drift_cli.data.space import Space
from drift_cli.data.swiss_roll import SwissRoll
from drift_cli.data.target import Batch, Endless, Finite, Synthetic, Target

__all__ = ["Batch", "Endless", "Finite", "Space", "Synthetic", "Target", "build"]


def build(config: settings.DatasetConfig) -> Target:
    """The target of `dataset=…`. Raises `UserError` where a file cannot be used."""
    match config:
        case settings.DigitsConfig():
            return images.as_target(images.digits(), labels=config.labels)
        case settings.Mnist5kConfig():
            return images.as_target(images.mnist5k(), labels=config.labels)
        case settings.ArrayConfig():
            return array.as_target(Path(config.path), config.columns)
    return Endless(_synthetic(config))


def _synthetic(config: settings.DatasetConfig) -> Synthetic:
    match config:
        case settings.CheckerboardConfig():
            return Checkerboard(config.noise)
        case settings.SwissRollConfig():
            return SwissRoll(config.noise)
        case settings.MoonsConfig():
            return Moons(config.noise)
        case settings.RingsConfig():
            return Rings(tuple(config.radii), config.noise)
        case settings.PinwheelConfig():
            return Pinwheel(config.arms, config.radial_std, config.tangential_std, config.twist)
        case settings.GaussianMixtureConfig():
            means = config.means or evenly_spaced(config.modes, config.dimension, config.radius)
            weights = tuple(config.weights or [1.0] * config.modes)
            return GaussianMixture(tuple(map(tuple, means)), weights, config.std)
    raise TypeError(f"no target is built from {type(config).__name__}")
