r"""Of `drift verify-flow`: does $F_\sigma$ fall along the drift? (Section 1, §5.3, Remark 5.7, §6.3.)

$dF/dt = -\langle w, v\rangle_q$ along a field w: below 0 along v, of no certain sign along $u = V/\sigma^2$.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.stats import binomtest
from torch import Generator, Tensor

from drift_cli.studies.study import Study
from drift_cli.studies.verify_flow.settings import VerifyFlowConfig
from drift_cli.studies.verify_flow.starts import drift_of, rare_target
from drift_cli.theory import descent
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import drift_velocity, noised_velocity, smoothed_kl

Columns = dict[str, np.ndarray]

_TIMES = 601  # at which the counterexample is followed
_CLOUD_DEVIATIONS = (0.003, 0.03)  # of clouds in place of the counterexample's point mass
_CLOUD = 9  # particles of each
_TRIED = (1, 2, 3, 4)  # particles in the configurations searched
_SEARCH_NODES, _ASCENT_STEPS, _ASCENT_RATE = 241, 60, 0.05


@dataclass(frozen=True)
class Counterexample:
    """A point mass between a common and a rare mode, σ = 1, and where each field carries it over `times`.

    `energy` and `position` by field, [t]; `noised` the energies [draws, runs, t] of noised queries.
    """

    times: np.ndarray
    position: dict[str, np.ndarray]
    energy: dict[str, np.ndarray]
    noised_times: np.ndarray
    noised: np.ndarray
    landscape: dict[str, np.ndarray]


def counterexample(s: Study, config: VerifyFlowConfig, generator: Generator) -> Counterexample:
    r"""A point mass under the drift, the exact velocity and noised queries, and $F_\sigma$ along each (ours).

    Along the drift it rises, and from small clouds too; noised queries go with the exact velocity in expectation.
    """
    p, start = rare_target(config), torch.tensor([config.start], dtype=torch.float64)
    _rates_of_change(s, p, start, config.nodes)
    times = np.linspace(0, config.flow_horizon, _TIMES)
    fields = {"drift": drift_of(p, 1.0), "velocity": lambda z: noised_velocity(p, 1.0, z, z, config.nodes)}
    position = {name: descent.follow(field, start, times)[:, 0].numpy() for name, field in fields.items()}
    energy = {name: _energies(p, x[:, None], config.nodes) for name, x in position.items()}
    paths = _noised_paths(config, p, generator)
    landscape = _landscape(p, config, min(paths.min(), -1.5 * config.rare_distance) - 0.1, paths.max() + 0.1)
    noised = CubicSpline(landscape["x"], landscape["energy"])(paths)
    found = Counterexample(times, position, energy, config.noised_step * np.arange(paths.shape[2]), noised, landscape)
    _rises(s, found)
    _clouds(s, config, p, times)
    _repair(s, config, found, paths[:, :, -1])
    _write(s, config, found)
    return found


def _rates_of_change(s: Study, p: GaussianMixture, start: Tensor, nodes: int) -> None:
    """dF/dt along each field, and along each by finite differences of an energy computed another way."""
    x = start[:, None]
    u, v = drift_velocity(p, 1.0, x, x), noised_velocity(p, 1.0, x, x, nodes)
    errors = []
    for name, along in (("drift", u), ("exact", v)):
        change = descent.change(along, v)
        values = [
            descent.quadrature_energy(p, 1.0, (start + shift * 1e-3 * along[:, 0]).numpy()) for shift in (-2, -1, 1, 2)
        ]
        difference = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / 12e-3
        s.summary[f"energy_rate_{name}"] = change
        errors.append(abs(difference - change) / abs(change))
    s.summary |= {"velocity_drift": float(u), "velocity_exact": float(v), "energy_rate_error": max(errors)}


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


def _landscape(p: GaussianMixture, config: VerifyFlowConfig, low: float, high: float) -> dict[str, np.ndarray]:
    """For a point mass at x: its energy, the drift and the exact velocity there (each point mass alone)."""
    x = np.linspace(low, max(high, 1.5 * config.rare_distance), 801)
    at = torch.from_numpy(x)[:, None]
    u = p.smoothed(1.0).score(at)[:, 0].numpy()  # its own smoothed score is 0 where it is
    v = np.array([float(noised_velocity(p, 1.0, each[None], each[None], config.nodes)) for each in at])
    return {"x": x, "drift": u, "velocity": v, "energy": _energies(p, x[:, None], config.nodes)}


def _rises(s: Study, found: Counterexample) -> None:
    """By how much the energy rises along each field, and where it ends."""
    position, energy = found.position, found.energy
    for name, suffix in (("drift", "drift"), ("velocity", "exact")):
        s.summary |= {
            f"energy_rises_along_{suffix}": float(energy[name].max() - energy[name][0]),
            f"energy_end_{suffix}": energy[name][-1],
            f"position_end_{suffix}": position[name][-1],
        }
    s.summary |= {
        "energy_start": energy["drift"][0],
        "energy_highest_at_time": found.times[energy["drift"].argmax()],
        "energy_increase_along_exact": float(np.diff(energy["velocity"]).max()),
    }


def _clouds(s: Study, config: VerifyFlowConfig, p: GaussianMixture, times: np.ndarray) -> None:
    """The same rise from small clouds in place of the point mass."""
    share = (torch.arange(_CLOUD, dtype=torch.float64) + 0.5) / _CLOUD
    rises = []
    for deviation in _CLOUD_DEVIATIONS:
        x = config.start + deviation * torch.special.ndtri(share)
        path = descent.follow(drift_of(p, 1.0), x, times)
        energies = _energies(p, path.numpy(), config.nodes)
        rises.append(float(energies.max() - energies[0]))
    s.summary["energy_rises_along_drift_cloud"] = min(rises)


def _repair(s: Study, config: VerifyFlowConfig, found: Counterexample, ends: np.ndarray) -> None:
    """The share of noised runs that end [draws, runs] where the exact velocity does, and the rise of their mean."""
    with_exact = ends * np.sign(found.position["velocity"][-1]) > 0
    for draws, of, there in zip(config.noised_draws, found.noised, with_exact, strict=True):
        interval = binomtest(int(there.sum()), len(there)).proportion_ci(method="wilson")
        s.interval(f"noised_ends_with_exact_draws{draws}", there.mean(), interval.low, interval.high)
        s.summary[f"noised_mean_rise_draws{draws}"] = float((of.mean(axis=0) - of[0, 0]).max())
    s.summary["noised_ends_with_exact"] = float(with_exact[-1].mean())


def _write(s: Study, config: VerifyFlowConfig, found: Counterexample) -> None:
    s.curves(
        "counterexample",
        {"time": found.times}
        | {f"position_{name}": x for name, x in found.position.items()}
        | {f"energy_{name}": values for name, values in found.energy.items()},
    )
    s.curves("landscape", found.landscape)
    by_draws = dict(zip(config.noised_draws, found.noised, strict=True))
    s.curves(
        "noised_queries",
        {"time": found.noised_times}
        | {f"energy_mean_draws{draws}": of.mean(axis=0) for draws, of in by_draws.items()}
        | {f"energy_sd_draws{draws}": of.std(axis=0, ddof=1) for draws, of in by_draws.items()},
    )


def search(s: Study, config: VerifyFlowConfig, generator: Generator) -> Columns:
    r"""How often $\langle u, v\rangle_q < 0$, so that the energy rises along the drift (ours).

    In random configurations of one to four particles, and in the worst that moving the particles finds.
    """
    rows = []
    for particles in _TRIED:
        drawn = descent.random_configurations(config.configurations, particles, generator).agreement(_SEARCH_NODES)
        few = descent.random_configurations(config.ascents, particles, generator)
        sought = descent.ascend(few, _ASCENT_STEPS, _ASCENT_RATE, _SEARCH_NODES)
        for kind, agreement in (("random", drawn), ("sought", sought)):
            rising, count = int((agreement < 0).sum()), len(agreement)
            interval = binomtest(rising, count).proportion_ci(method="wilson")
            s.interval(f"rising_{kind}_n{particles}", rising / count, interval.low, interval.high)
            rows.append((kind, particles, rising / count, interval.low, interval.high, float(agreement.min())))
    names = ("kind", "particles", "rising", "low", "high", "least_agreement")
    columns = dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))
    s.summary["agreement_least"] = float(columns["least_agreement"].min())
    s.curves("search", columns)
    return columns
