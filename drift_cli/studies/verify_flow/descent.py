r"""Does $F_\sigma$ fall along the drift? (Section 1, §5.3, Remark 5.7, §6.3.)

$dF/dt = -\langle w, v\rangle_q$ along a field w: below 0 along v, of no certain sign along $u = V/\sigma^2$.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.stats import binomtest
from torch import Generator

from drift_cli.studies.numbers import Interval, Measured, Table, after, columns
from drift_cli.studies.verify_flow.settings import VerifyFlowConfig
from drift_cli.studies.verify_flow.starts import drift_of, rare_target
from drift_cli.theory import descent
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import Field, noised_velocity, smoothed_kl

_TIMES = 601  # at which the counterexample is followed
_CLOUD_DEVIATIONS = (0.003, 0.03)  # of clouds in place of the counterexample's point mass
_CLOUD = 9  # particles of each
_TRIED = (1, 2, 3, 4)  # particles in the configurations searched
_SEARCH_NODES, _ASCENT_STEPS, _ASCENT_RATE = 241, 60, 0.05


@dataclass(frozen=True)
class Followed(Measured):
    """Where a field carries the point mass, and its energy there, both [t]."""

    position: np.ndarray
    energy: np.ndarray
    velocity: float  # at the start, as the next
    energy_rate: float  # dF/dt along the field
    energy_rises_along: float  # by how much at the most
    energy_end: float
    position_end: float


@dataclass(frozen=True)
class Landscape:
    """For a point mass at x: the drift and the exact velocity there, and its energy."""

    x: np.ndarray
    drift: np.ndarray
    velocity: np.ndarray
    energy: np.ndarray


@dataclass(frozen=True)
class Noised(Measured):
    """Energies [runs, t] of point masses that move by noised queries, for each number of these to the step.

    With the share of runs that end where the exact velocity does, and the greatest rise of their mean energy.
    """

    times: np.ndarray
    energy: dict[int, np.ndarray]
    noised_ends_with_exact: dict[int, Interval] = field(metadata=after("_draws"))
    noised_mean_rise: dict[int, float] = field(metadata=after("_draws"))

    def tables(self) -> dict[str, Table]:
        means = {f"energy_mean_draws{draws}": of.mean(axis=0) for draws, of in self.energy.items()}
        deviations = {f"energy_sd_draws{draws}": of.std(axis=0, ddof=1) for draws, of in self.energy.items()}
        return {"noised_queries": {"time": self.times, **means, **deviations}}


@dataclass(frozen=True)
class Counterexample(Measured):
    """A point mass between a common and a rare mode, σ = 1, along the "drift" and the "exact" velocity over `times`."""

    times: np.ndarray
    energy_rate_error: float  # beside finite differences of an energy computed another way, relatively
    energy_start: float
    energy_highest_at_time: float  # along the drift
    energy_increase_along_exact: float  # the greatest from one time to the next
    energy_rises_along_drift_cloud: float  # of small clouds in place of the point mass, the least
    landscape: Landscape
    noised: Noised
    noised_ends_with_exact: float  # with the most queries to the step
    along: dict[str, Followed] = field(metadata=after("_"))

    def tables(self) -> dict[str, Table]:
        along = {"drift": self.along["drift"], "velocity": self.along["exact"]}
        positions = {f"position_{name}": of.position for name, of in along.items()}
        energies = {f"energy_{name}": of.energy for name, of in along.items()}
        return {"counterexample": {"time": self.times, **positions, **energies}, "landscape": vars(self.landscape)}


@dataclass(frozen=True)
class Search(Measured):
    """The share of configurations in which the energy rises, by number of particles, and the fields' agreement."""

    rows: list[tuple[str, int, float, float, float, float]]
    agreement_least: float
    rising_random: dict[int, Interval] = field(metadata=after("_n"))
    rising_sought: dict[int, Interval] = field(metadata=after("_n"))

    def tables(self) -> dict[str, Table]:
        return {"search": columns(("kind", "particles", "rising", "low", "high", "least_agreement"), self.rows)}


def counterexample(config: VerifyFlowConfig, generator: Generator) -> Counterexample:
    r"""A point mass under the drift, the exact velocity and noised queries, and $F_\sigma$ along each (ours).

    Along the drift it rises, and from small clouds too; noised queries go with the exact velocity in expectation.
    """
    p, times = rare_target(config), np.linspace(0, config.flow_horizon, _TIMES)
    fields = {"drift": drift_of(p, 1.0), "exact": lambda z: noised_velocity(p, 1.0, z, z, config.nodes)}
    along = {name: _followed(config, p, field, times) for name, field in fields.items()}
    drift, exact = along["drift"].energy, along["exact"].energy
    paths = _noised_paths(config, p, generator)
    landscape = _landscape(p, config, min(paths.min(), -1.5 * config.rare_distance) - 0.1, paths.max() + 0.1)
    ends_with_exact = paths[:, :, -1] * np.sign(along["exact"].position_end) > 0
    return Counterexample(
        times,
        max(_rate_error(config, p, each) for each in along.values()),
        drift[0],
        times[drift.argmax()],
        float(np.diff(exact).max()),
        _rise_of_clouds(config, p, times),
        landscape,
        _noised(config, CubicSpline(landscape.x, landscape.energy)(paths), ends_with_exact),
        float(ends_with_exact[-1].mean()),
        along,
    )


def _followed(config: VerifyFlowConfig, p: GaussianMixture, field: Field, times: np.ndarray) -> Followed:
    start = torch.tensor([config.start], dtype=torch.float64)
    x = start[:, None]
    rate = descent.change(field(x), noised_velocity(p, 1.0, x, x, config.nodes))
    position = descent.follow(field, start, times)[:, 0].numpy()
    energy = _energies(p, position[:, None], config.nodes)
    rise = float(energy.max() - energy[0])
    return Followed(position, energy, float(field(x)), rate, rise, energy[-1], position[-1])


def _rate_error(config: VerifyFlowConfig, p: GaussianMixture, along: Followed) -> float:
    values = [
        descent.quadrature_energy(p, 1.0, np.array([config.start + shift * 1e-3 * along.velocity]))
        for shift in (-2, -1, 1, 2)
    ]
    difference = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / 12e-3
    return abs(difference - along.energy_rate) / abs(along.energy_rate)


def _energies(p: GaussianMixture, positions: np.ndarray, nodes: int) -> np.ndarray:
    """F_σ at σ = 1 of the particles in each row [t, n]."""
    everything = torch.from_numpy(positions.reshape(-1, 1))
    energy = smoothed_kl(p, 1.0, everything, nodes)
    return np.array([float(energy.energy(torch.from_numpy(row)[:, None])) for row in positions])


def _noised_paths(config: VerifyFlowConfig, p: GaussianMixture, generator: Generator) -> np.ndarray:
    """[draws, runs, t], for each number of noised queries to the step."""
    steps = max(2, round(config.flow_horizon / config.noised_step))
    paths = [
        descent.noised_paths(p, 1.0, config.start, config.noised_runs, draws, config.noised_step, steps, generator)
        for draws in config.noised_draws
    ]
    return torch.stack(paths).numpy()


def _landscape(p: GaussianMixture, config: VerifyFlowConfig, low: float, high: float) -> Landscape:
    """Of each point mass alone."""
    x = np.linspace(low, max(high, 1.5 * config.rare_distance), 801)
    at = torch.from_numpy(x)[:, None]
    u = p.smoothed(1.0).score(at)[:, 0].numpy()  # its own smoothed score is 0 where it is
    v = np.array([float(noised_velocity(p, 1.0, each[None], each[None], config.nodes)) for each in at])
    return Landscape(x, u, v, _energies(p, x[:, None], config.nodes))


def _rise_of_clouds(config: VerifyFlowConfig, p: GaussianMixture, times: np.ndarray) -> float:
    """The least by which the energy of small clouds rises along the drift."""
    share = (torch.arange(_CLOUD, dtype=torch.float64) + 0.5) / _CLOUD
    rises = []
    for deviation in _CLOUD_DEVIATIONS:
        x = config.start + deviation * torch.special.ndtri(share)
        path = descent.follow(drift_of(p, 1.0), x, times)
        energies = _energies(p, path.numpy(), config.nodes)
        rises.append(float(energies.max() - energies[0]))
    return min(rises)


def _noised(config: VerifyFlowConfig, energies: np.ndarray, ends_with_exact: np.ndarray) -> Noised:
    """From energies [draws, runs, t] and where the runs end [draws, runs]."""
    energy = dict(zip(config.noised_draws, energies, strict=True))
    return Noised(
        config.noised_step * np.arange(energies.shape[2]),
        energy,
        {draws: _share(there) for draws, there in zip(config.noised_draws, ends_with_exact, strict=True)},
        {draws: float((of.mean(axis=0) - of[0, 0]).max()) for draws, of in energy.items()},
    )


def _share(of: np.ndarray) -> Interval:
    """The share that is true, with Wilson's interval."""
    interval = binomtest(int(of.sum()), len(of)).proportion_ci(method="wilson")
    return Interval(of.mean(), interval.low, interval.high)


def search(config: VerifyFlowConfig, generator: Generator) -> Search:
    r"""How often $\langle u, v\rangle_q < 0$, so that the energy rises along the drift (ours).

    In random configurations of one to four particles, and in the worst that moving the particles finds.
    """
    rows = []
    rising: dict[str, dict[int, Interval]] = {"random": {}, "sought": {}}
    for particles in _TRIED:
        drawn = descent.random_configurations(config.configurations, particles, generator).agreement(_SEARCH_NODES)
        few = descent.random_configurations(config.ascents, particles, generator)
        sought = descent.ascend(few, _ASCENT_STEPS, _ASCENT_RATE, _SEARCH_NODES)
        for kind, agreement in (("random", drawn), ("sought", sought)):
            rising[kind][particles] = share = _share((agreement < 0).numpy())
            rows.append((kind, particles, share.value, share.low, share.high, float(agreement.min())))
    return Search(rows, min(least for *_, least in rows), rising["random"], rising["sought"])
