"""Generators, one file each."""

from __future__ import annotations

from drift_cli.generator.base import SampleGenerator
from drift_cli.generator.mlp import Mlp
from drift_cli.generator.particles import Particles

__all__ = ["Mlp", "Particles", "SampleGenerator"]
