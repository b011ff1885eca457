"""The catalogue's kernels that a study takes one by one: all but those that are made of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_cli.catalogue import names
from drift_cli.config.objects import defaults

if TYPE_CHECKING:
    from drift_cli.kernels import Spectral


def with_settings(*settings: str) -> list[str]:
    """The names of the kernels that have a bandwidth and at most these settings besides (alpha)."""
    known = {"name", "bandwidth", *settings}
    own = {name: defaults("kernel", name).keys() for name in names("kernel")}
    return [name for name, keys in own.items() if "bandwidth" in keys and keys <= known]


def every_kernel(bandwidth: float, alpha: float | None = None) -> dict[str, Spectral]:
    """Each that has a Fourier transform, at this bandwidth, by name; without `alpha` those that have no shape.

    Its transform exists in every dimension d, that of the rational quadratic kernel in those below 2α.
    """
    from drift_cli.kernels import Spectral
    from drift_cli.kernels.mixture import Component

    chosen = with_settings() if alpha is None else with_settings("alpha")
    every = {name: Component(name, alpha=alpha or 1.0).at(bandwidth) for name in chosen}
    return {name: kernel for name, kernel in every.items() if isinstance(kernel, Spectral)}
