"""Generators, one file each."""

from __future__ import annotations

from drift_cli.generator.base import SampleGenerator
from drift_cli.generator.conv import Conv
from drift_cli.generator.cost import Cost, cost
from drift_cli.generator.mlp import Mlp
from drift_cli.generator.network import Network
from drift_cli.generator.particles import Particles
from drift_cli.generator.transformer import Transformer

__all__ = ["Conv", "Cost", "Mlp", "Network", "Particles", "SampleGenerator", "Transformer", "cost"]
