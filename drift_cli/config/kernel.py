"""Settings of the radial kernels k(x, y) = φ(|x − y|); `bandwidth` is a length where the data has about unit size."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from drift_cli.config.checks import between, not_empty, one_of, positive

_LENGTH = "give a length where the data has about unit size, e.g. kernel.bandwidth=0.1"


@dataclass
class KernelConfig:
    name: str = MISSING
    bandwidth: float = MISSING

    def __post_init__(self) -> None:
        positive("kernel.bandwidth", self.bandwidth, _LENGTH)
        between("kernel.bandwidth", self.bandwidth, 1e-9, 1e9)


@dataclass
class GaussianConfig(KernelConfig):
    name: str = "gaussian"


@dataclass
class LaplaceConfig(KernelConfig):
    name: str = "laplace"


@dataclass
class Matern32Config(KernelConfig):
    name: str = "matern32"


@dataclass
class Matern52Config(KernelConfig):
    name: str = "matern52"


@dataclass
class RationalQuadraticConfig(KernelConfig):
    name: str = "rational_quadratic"
    alpha: float = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("kernel.alpha", self.alpha)


@dataclass
class ComponentConfig:
    """One term of a mixture: `weight` times the kernel `kernel` at `factor` times the mixture's bandwidth."""

    kernel: str = MISSING
    weight: float = 1.0
    factor: float = 1.0
    alpha: float = 1.0  # read by rational_quadratic alone

    def __post_init__(self) -> None:
        one_of("kernel.components[].kernel", self.kernel, [name for name in KERNELS if name != "mixture"])
        positive("kernel.components[].weight", self.weight)
        between("kernel.components[].factor", self.factor, 1e-6, 1e6)
        positive("kernel.components[].alpha", self.alpha)


@dataclass
class MixtureConfig(KernelConfig):
    name: str = "mixture"
    components: list[ComponentConfig] = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        not_empty("kernel.components", self.components)


KERNELS: dict[str, type[KernelConfig]] = {
    "gaussian": GaussianConfig,
    "laplace": LaplaceConfig,
    "matern32": Matern32Config,
    "matern52": Matern52Config,
    "rational_quadratic": RationalQuadraticConfig,
    "mixture": MixtureConfig,
}
