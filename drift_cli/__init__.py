"""`drift`: a research bench for generative drifting (one-step generators trained by a kernel drift).

The names listed here are the library. Each is loaded on first use, so that the command line's help needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "drift_cli.drift": ("BatchNormalized", "Drift", "FromDiscrepancy", "KernelScore", "Lookahead", "MeanShift",
                        "MultiTemperature", "NoisedQuery", "Sharp", "Sinkhorn", "SinkhornProxy"),
    "drift_cli.kernels": ("Gaussian", "Kernel", "Laplace", "Matern32", "Matern52", "Mixture", "RationalQuadratic"),
    "drift_cli.schedules": ("Constant", "Cosine", "Exponential", "Linear", "Optimal"),
    "drift_cli.fused": ("KernelMean", "kernel_mean", "kernel_means", "log_masses"),
    "drift_cli.metrics.sliced_wasserstein": ("sliced_wasserstein",),
    "drift_cli.errors": ("RunFailed", "UserError"),
    "drift_cli.trained": ("Samples", "Trained", "load"),
}  # fmt: skip
_WHERE = {name: module for module, names in _PUBLIC.items() for name in names}
__all__ = sorted(_WHERE)  # noqa: PLE0605

if TYPE_CHECKING:
    from drift_cli.drift import (
        BatchNormalized,
        Drift,
        FromDiscrepancy,
        KernelScore,
        Lookahead,
        MeanShift,
        MultiTemperature,
        NoisedQuery,
        Sharp,
        Sinkhorn,
        SinkhornProxy,
    )  # fmt: skip
    from drift_cli.errors import RunFailed, UserError
    from drift_cli.fused import KernelMean, kernel_mean, kernel_means, log_masses
    from drift_cli.kernels import Gaussian, Kernel, Laplace, Matern32, Matern52, Mixture, RationalQuadratic
    from drift_cli.metrics.sliced_wasserstein import sliced_wasserstein
    from drift_cli.schedules import Constant, Cosine, Exponential, Linear, Optimal
    from drift_cli.trained import Samples, Trained, load


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"drift_cli has no {name!r}: {', '.join(__all__)}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
