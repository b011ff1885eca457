"""Settings of what is trained: a network from noise to samples, or the samples themselves."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from drift_cli.config.checks import at_least, between, check_samples, not_empty, one_of

ACTIVATIONS = ("relu", "silu", "gelu", "tanh", "elu")
INITS = ("gaussian", "middle", "far", "collapsed")


@dataclass
class GeneratorConfig:
    name: str = MISSING


@dataclass
class MlpConfig(GeneratorConfig):
    name: str = "mlp"
    widths: list[int] = MISSING
    noise: int | None = None
    activation: str = MISSING

    def __post_init__(self) -> None:
        not_empty("generator.widths", self.widths)
        for width in self.widths:
            between("each of generator.widths", width, 1, 65_536)
        if self.noise is not None:
            at_least("generator.noise", self.noise, 1)
        one_of("generator.activation", self.activation, ACTIVATIONS)


@dataclass
class ParticlesConfig(GeneratorConfig):
    name: str = "particles"
    count: int = MISSING
    init: str = MISSING

    def __post_init__(self) -> None:
        check_samples("generator.count", self.count)
        one_of("generator.init", self.init, INITS)


GENERATORS: dict[str, type[GeneratorConfig]] = {"mlp": MlpConfig, "particles": ParticlesConfig}
