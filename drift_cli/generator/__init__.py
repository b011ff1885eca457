"""Generators, one file each; `build` makes the one that the settings name."""

from __future__ import annotations

import torch
from torch import Generator

from drift_cli.config import generator as settings
from drift_cli.data import Space, Target
from drift_cli.errors import UserError
from drift_cli.generator.base import SampleGenerator
from drift_cli.generator.mlp import Mlp
from drift_cli.generator.particles import Particles, starting_positions

__all__ = ["Mlp", "Particles", "SampleGenerator", "build", "skeleton"]


_MOST_NOISE = 32  # dimensions of noise where the settings leave it open


def build(
    config: settings.GeneratorConfig, target: Target, seed: Generator, device: torch.device, dtype: torch.dtype
) -> SampleGenerator:
    """The generator of `generator=…` with its initial values, all drawn from the CPU generator `seed`.

    Initial values are made on the CPU in float32, so that they are the same on every device.
    """
    match config:
        case settings.ParticlesConfig():
            if target.space.class_frequencies:
                raise UserError(
                    "generator=particles has no classes, but dataset.labels=true asks for a class-conditional "
                    "generator: use generator=mlp or dataset.labels=false."
                )
            start = starting_positions(config.init, config.count, target, seed, torch.float64)
            return Particles(start).to(device, dtype)
        case settings.MlpConfig():
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed.initial_seed())
                return skeleton(config, target.space).to(device, dtype)
    raise TypeError(f"no generator is built from {type(config).__name__}")


def skeleton(config: settings.GeneratorConfig, space: Space) -> SampleGenerator:
    """The generator with its shapes right and its values arbitrary: a checkpoint is loaded into it."""
    match config:
        case settings.ParticlesConfig():
            return Particles(torch.zeros(config.count, space.dimension))
        case settings.MlpConfig():
            classes = len(space.class_frequencies or ())
            noise = config.noise if config.noise is not None else min(2 * space.dimension, _MOST_NOISE)
            return Mlp(noise, config.widths, space.dimension, config.activation, classes)
    raise TypeError(f"no generator is built from {type(config).__name__}")
