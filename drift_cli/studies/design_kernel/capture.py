r"""Far from equilibrium: what brings back a lost mode, a collapsed start and a far one.

The budget holds near equilibrium. Where one of two equal modes has no samples, at a distance r, the data there reaches
the samples at the other with the weight k(r)/k(0) alone: what decides is the kernel's tail. Every kernel is at its best
for the same frequencies 1 … K.

On the line the equation is solved by quantiles: both densities are as many points, evenly spaced in probability, so no
chance enters. In the plane particles meet fresh data at every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from drift_cli.data.gaussian_mixture import GaussianMixture
from drift_cli.drift import Drift
from drift_cli.kernels import Kernel
from drift_cli.metrics.energy_distance import energy_distance
from drift_cli.metrics.modes import total_variation
from drift_cli.schedules import Schedule
from drift_cli.studies import training
from drift_cli.studies.design_kernel.methods import METHODS, PERIOD, REACH, bandwidths
from drift_cli.studies.design_kernel.settings import CaptureConfig, DesignKernelConfig
from drift_cli.studies.kept_runs import finished_runs
from drift_cli.studies.numbers import Estimate, Mean, Measured, Table, columns, interval
from drift_cli.studies.study import Study
from drift_cli.training.streams import stream

_WIDTH = 0.1  # of the modes on the line, whose lowest frequency has the wavelength 2π
_QUANTILES = 512
_STEP = 0.1  # of time: the fastest rate is 1
_CAUGHT = 0.1  # total variation of the shares from which on a mode counts as brought back
_NARROW = 0.01  # the spread of a collapsed start
_FAR = 3.0
_SIDE, _APART, _STD = 5, 0.5, 0.05  # of the plane's target, 25 modes on a square grid
_LENGTH = _SIDE * _APART  # the wavelength of its lowest frequency
Move = Callable[[Tensor, Tensor], Tensor]  # V of samples x toward data y
STARTS = {"lost": "on one mode", "collapsed": "collapsed", "far": "far away"}


@dataclass(frozen=True)
class OnTheLine(Measured):
    """`lost_range`: the farthest of the distances from which a lost mode is back in time (0: from none).

    `lost`, `collapsed`, `far`: the time that it takes, without a number where the horizon is too short.
    """

    bandwidth: float
    lost_range: float
    lost: dict[str, float]
    collapsed: float
    far: float


@dataclass(frozen=True)
class InThePlane(Measured):
    """After the steps, over seeds: total variation of the shares of 25 modes, and the energy distance."""

    tv: Estimate
    energy: Mean


@dataclass(frozen=True)
class Capture(Measured):
    """`capture.<family>` on the line, `captured.<start>.<family>` in the plane."""

    line: dict[str, OnTheLine]
    plane: dict[str, InThePlane]
    behind: dict[str, Estimate]  # TV of the Laplace kernel less that of the optimal design, by start
    range_over_laplace: float  # of the optimal design
    range_over_gaussian: float

    def tables(self) -> dict[str, Table]:
        names = ("family", "bandwidth", "lost_range", "collapsed", "far", *next(iter(self.line.values())).lost)
        rows = [(key, e.bandwidth, e.lost_range, e.collapsed, e.far, *e.lost.values()) for key, e in self.line.items()]
        found = [(key, e.tv.value, e.energy.value) for key, e in self.plane.items()]
        return {"capture": columns(names, rows), "captured": columns(("case", "tv", "energy"), found)}


@dataclass(frozen=True)
class CaptureRun:
    """What one run differs in."""

    method: str

    @property
    def name(self) -> str:
        return f"capture_{self.method}"


@dataclass(frozen=True)
class Captured:
    """All starts of one method, on the line but for an annealed one, which has no rate of its own, and in the plane."""

    config: CaptureConfig
    method: str

    def asked(self) -> dict[str, Any]:
        return {"capture": training.plain(self.config), "method": self.method}

    def made(self, unfinished: object) -> dict[str, Any]:
        """Times on the line, null where the horizon is too short; [TV, energy distance] of each seed in the plane."""
        torch.set_num_threads(1)
        h = bandwidths(self.config.modes, 2, _LENGTH)[self.method]
        plane = {
            start: [_in_the_plane(self.config, self.method, h, start, seed) for seed in self.config.seeds]
            for start in STARTS
        }
        return {"plane": plane, "line": None if METHODS[self.method].annealed else self._line()}

    def _line(self) -> dict[str, Any]:
        h = bandwidths(self.config.modes, 1, PERIOD)[self.method]
        move, there = _mover(self.config, self.method, h, 1), _quantiles([0.0], _WIDTH)
        return {
            "bandwidth": h,
            "lost": {f"{r:g}": _time_to_shares(self.config, move, [0.0, r], _WIDTH) for r in self.config.distances},
            "collapsed": _time_to_shares(self.config, move, [0.0, -2.0, -1.0, 1.0, 2.0], _NARROW),
            "far": _time(
                self.config, move, there - _FAR, there, lambda x: float((x - there).abs().mean()) < _CAUGHT * _FAR
            ),
        }


def capture(config: DesignKernelConfig, s: Study) -> Capture:
    """Every method from every start, on the line and in the plane."""
    plan = {CaptureRun(method): Captured(config.capture, method) for method in METHODS}
    found = {run.method: kept for run, kept in finished_runs(config, s, plan).items()}
    line = {f"capture.{method}": _read(kept["line"]) for method, kept in found.items() if kept["line"]}
    plane = {
        f"captured.{start}.{method}": InThePlane(interval([tv for tv, _ in each]), Mean([e for _, e in each]))
        for method, kept in found.items()
        for start, each in kept["plane"].items()
    }
    laplace, optimal = (found[method]["plane"] for method in ("laplace", "optimal"))
    behind = {
        start: interval([a - b for (a, _), (b, _) in zip(laplace[start], optimal[start], strict=True)])
        for start in STARTS
    }
    best, *others = (line[f"capture.{method}"].lost_range for method in ("optimal", "laplace", "gaussian"))
    return Capture(line, plane, behind, *(best / other if other else np.inf for other in others))


def _read(line: Mapping[str, Any]) -> OnTheLine:
    lost = {r: np.inf if time is None else time for r, time in line["lost"].items()}
    back = [float(r) for r, time in lost.items() if time < np.inf]
    collapsed, far = (np.inf if line[name] is None else line[name] for name in ("collapsed", "far"))
    return OnTheLine(line["bandwidth"], max(back, default=0.0), lost, collapsed, far)


def _mover(config: CaptureConfig, name: str, bandwidth: float, d: int) -> Move:
    """The mean of the drifts where there are several."""
    method = METHODS[name]
    kernel: Kernel = method.kernel_at(bandwidth, config.modes, float(d)).made()
    drift: Drift = method.drift("include").made()
    return lambda x, y: method.step * drift(kernel, x, y, x, paired=True)


def _quantiles(means: list[float], width: float) -> Tensor:
    """Of equal Gaussian modes, [n, 1]: as many in each, which are those of the mixture where the modes are apart."""
    levels = (torch.arange(_QUANTILES // len(means), dtype=torch.float64) + 0.5) / (_QUANTILES // len(means))
    return (torch.tensor(means)[:, None] + width * torch.special.ndtri(levels)).reshape(-1, 1)


def _time_to_shares(config: CaptureConfig, move: Move, means: list[float], width: float) -> float | None:
    """From samples on the first mode alone, with this width, until every mode has about its share."""
    centres, apart = torch.tensor(means, dtype=torch.float64), min(abs(m - means[0]) for m in means[1:])

    def shared(x: Tensor) -> bool:
        near = ((x - centres).abs() < apart / 4).double()
        elsewhere = 1 - near.sum(dim=1).mean()
        return float((near.mean(dim=0) - 1 / len(means)).abs().sum() + elsewhere) / 2 <= _CAUGHT

    return _time(config, move, _quantiles(means[:1], width), _quantiles(means, _WIDTH), shared)


def _time(config: CaptureConfig, move: Move, x: Tensor, data: Tensor, done: Callable[[Tensor], bool]) -> float | None:
    """Of the equation, by explicit steps; None where the horizon comes first."""
    for step in range(round(config.horizon / _STEP)):
        x = x + _STEP * move(x, data)
        if done(x):
            return (step + 1) * _STEP
    return None


def _in_the_plane(config: CaptureConfig, name: str, bandwidth: float, start: str, seed: int) -> tuple[float, float]:
    """Total variation and energy distance after whole steps, the same start and data for every kernel."""
    side = [_APART * (i - (_SIDE - 1) / 2) for i in range(_SIDE)]
    target = GaussianMixture(tuple((a, b) for a in side for b in side), (1.0,) * _SIDE**2, _STD)
    noise = torch.randn(config.particles, 2, generator=stream(seed, "initial"), dtype=torch.float64)
    x = {
        "lost": torch.tensor(target.means[0], dtype=torch.float64) + _STD * noise,
        "collapsed": _NARROW * noise,
        "far": torch.tensor([2 * _LENGTH, 0.0], dtype=torch.float64) + _STD * noise,
    }[start].float()
    method = METHODS[name]
    kernel: Kernel = method.kernel_at(bandwidth * (REACH if method.annealed else 1.0), config.modes, 2.0).made()
    drift: Drift = method.drift("include").made()
    schedule: Schedule = method.schedule(config.steps).made()
    for step in range(config.steps):
        data = target.draw(config.particles, stream(seed, "data", step), torch.float32)
        x = x + method.step * drift(kernel.scaled(schedule(step)), x, data, x, paired=True)
    reference = target.draw(config.particles, stream(seed, "final"), torch.float64)
    return total_variation(x.double(), target), energy_distance(x.double(), reference)
