"""`drift ablate-schedule`: bandwidth schedules in the linear theory, against a bound none can beat, and in training."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from drift_cli import schedules
from drift_cli.config.ablate_schedule import AblateScheduleConfig
from drift_cli.experiments import schedule_training as training
from drift_cli.figures import ablate_schedule as figures
from drift_cli.kernels import Gaussian, Laplace, Matern32, Matern52, RationalQuadratic, Spectral
from drift_cli.report.study import Study, study
from drift_cli.theory import annealing, occupation, optimal_schedule
from drift_cli.theory import schedule_comparison as comparison
from drift_cli.theory.annealing import SWEEPS, Rate, Theorem62, gaussian_rate
from drift_cli.theory.fits import fit
from drift_cli.theory.schedule_comparison import CONTESTANTS, Compared
from drift_cli.training import device as devices

KERNELS: dict[str, Spectral] = {
    "gaussian": Gaussian(1.0),
    "laplace": Laplace(1.0),
    "matern32": Matern32(1.0),
    "matern52": Matern52(1.0),
    "rational_quadratic": RationalQuadratic(1.0, alpha=1.5),
}
_DIMENSIONS = (1, 2)
_FAMILIES = tuple(SWEEPS)  # those that the paper compares
_PARTS = 7
_MODES = (5, 10, 30, 100, 300)  # K along which the times of the schedules are drawn
_DOUBLINGS = (30, 60, 120, 240, 480, 960)  # K along which the growth of the time is fitted
_WITHIN = 0.95  # r ln(1/ε) as a share of the largest that Theorem 6.2's condition allows
_VIOLATING = 3.5  # and r ln(1/ε) far outside
_DUAL_MODES = 2000
_ORDER_MODES = 10  # modes of the full equation, how long it runs, and the amplitudes that each mode starts with
_ORDER_TIME = 20.0
_AMPLITUDES = (1e-4, 1e-3, 1e-2, 0.05)
_MAP = 33  # rates and bandwidths along each side of the map of Theorem 6.2


@dataclass(frozen=True)
class Result:
    """What was measured; `theorem` and `compared` setting by setting, `runs` where a generator was trained."""

    summary: dict[str, float]
    theorem: list[tuple[dict[str, float], Theorem62]]
    compared: list[Compared]
    runs: list[training.Run]


def run(config: AblateScheduleConfig, path: Path) -> Result:
    """Measure every part, write curves, figures, summary and the table of claims."""
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if config.train:
        devices.resolve(config.device)  # a device that is not there is refused before any work
    plan = training.planned(config) if config.train else {}
    with study("ablate-schedule", config, path, config.seeds[0], _PARTS + len(plan)) as s:
        s.part("schedules over one sweep")
        _sweeps(config, s)
        s.part("the annealing law, and the equivalent multi-scale drift")
        _laws(config, s)
        s.part("Theorem 6.2 over its settings")
        theorem = _theorem(config, s)
        s.part("how the time grows with K")
        _growth(config, s)
        s.part("the time-optimal schedule")
        _optimum(config, s)
        s.part("the lower bound for every kernel")
        _kernels(config, s)
        s.part("who wins where")
        compared = _wins(config, s)
        runs = []
        trained = training.train(plan, path / "runs")
        for target, schedule, seed in plan:
            s.part(f"training: {target}, {schedule}, seed {seed}")
            runs.append(next(trained))
        if runs:
            _training(config, s, runs)
    return Result(s.summary, theorem, compared, runs)


def _sweeps(config: AblateScheduleConfig, s: Study) -> None:
    """Bandwidth, total error and each mode's error of every schedule, over the sweep and held as long again."""
    k = np.arange(1.0, config.modes + 1)
    stairs = optimal_schedule.optimal(gaussian_rate, k, config.last, config.sigma_0)
    every = comparison.courses(gaussian_rate, config.modes, config.sigma_0, config.last, config.horizon, stairs)
    times = np.linspace(0, 2 * config.horizon, 201)
    rows: dict[str, list[np.ndarray]] = {"bandwidth": [], "log_error": [], "decay": []}
    for name, course in every.items():
        decay = np.array([annealing.accumulated(course, gaussian_rate, k, time) for time in times])
        rows["bandwidth"].append(course.at(times))
        rows["log_error"].append(np.array([annealing.log_error(row, k, 0.0) for row in decay]) / math.log(10))
        rows["decay"].append(annealing.accumulated(course, gaussian_rate, k, config.horizon))
        s.summary[f"log10_error_end.{name}"] = float(rows["log_error"][-1][100])
        s.summary[f"log10_error_held.{name}"] = float(rows["log_error"][-1][200])
    names = list(every)
    for what in ("bandwidth", "log_error"):
        s.curves(f"sweep_{what}", {"time": times, **dict(zip(names, rows[what], strict=True))})
    decays = dict(zip(names, rows["decay"], strict=True))
    s.curves("sweep_modes", {"mode": k, **decays})
    least_left = decays["exponential"] >= np.maximum(decays["linear"], decays["cosine"])
    s.summary["exponential_least_left_fraction"] = float(least_left.mean())
    if config.last < config.sigma_0:
        earliest = _exponential_earliest(config.modes, config.sigma_0, config.last)
        if len(earliest):
            s.summary["activation_earliest_fraction"] = float(earliest.mean())
    columns = {what: dict(zip(names, values, strict=True)) for what, values in rows.items()}
    folder = s.path / "figures"
    s.figures.append(figures.sweeps(times, k, columns, config.horizon, math.log(1 / config.epsilon), folder))


def _exponential_earliest(modes: int, sigma_0: float, sigma_min: float) -> np.ndarray:
    """For each mode: whether the exponential sweep is the first of the three to come down to σ = √2/k.

    Modes that are past it at the start, or come to it at the very end as all three do, are left out.
    """
    sigma = math.sqrt(2) / np.arange(1.0, modes + 1)
    sigma = sigma[(sigma < sigma_0) & (sigma > sigma_min * (1 + 1e-12))]
    times = {name: annealing.activation_times(name, sigma, sigma_0, sigma_min, 1.0) for name in SWEEPS}
    return times["exponential"] <= np.minimum(times["linear"], times["cosine"])


def _laws(config: AblateScheduleConfig, s: Study) -> None:
    """The annealing law of every kernel by quadrature; annealing against the multi-scale drift."""
    k, r = np.arange(1.0, config.modes + 1), 1.0
    duration = math.log(config.sigma_0 / config.last) / r
    rows = []
    for (name, kernel), d in itertools.product(KERNELS.items(), _DIMENSIONS):
        course = annealing.exponential(config.sigma_0, config.last, duration)
        for share in (0.25, 0.5, 1.0):
            sigma = config.sigma_0 * math.exp(-r * share * duration)
            law = annealing.annealing_law(_spectrum(kernel, d), k, config.sigma_0, sigma, r)
            found = annealing.accumulated(course, _rate(kernel, d), k, share * duration)
            rows.append((name, d, share, float(np.max(np.abs(found - law)) * r)))
    s.rows("annealing_law", ("kernel", "dimension", "share_of_sweep", "error"), rows)
    s.summary["annealing_law_error"] = max(row[-1] for row in rows)
    s.summary["multi_scale_equivalence_error"] = comparison.multi_scale_error(
        gaussian_rate, k, config.sigma_0, config.last, duration
    )
    _orders(config, s)


def _orders(config: AblateScheduleConfig, s: Study) -> None:
    """The full equation: total error after annealing down, up, and the mixture, by the amplitude of the start."""
    bandwidths = np.geomspace(config.sigma_0, min(config.sigma_0, math.sqrt(2) / _ORDER_MODES), 32)
    found = [
        occupation.order_matters(_ORDER_MODES, amplitude, bandwidths, _ORDER_TIME, config.seeds[0])
        for amplitude in _AMPLITUDES
    ]
    columns = {name: [each[name] for each in found] for name in found[0]}
    s.curves("order_of_bandwidths", {"amplitude": _AMPLITUDES, **columns})
    for amplitude, each in zip(_AMPLITUDES, found, strict=True):
        spread = max(abs(each[name] / each["mixture"] - 1) for name in ("down", "up"))
        s.summary[f"order_of_bandwidths_matters.amplitude_{amplitude:g}"] = spread
        s.summary[f"order_of_bandwidths_linear_error.amplitude_{amplitude:g}"] = abs(
            each["mixture"] / each["linear"] - 1
        )


def _theorem(config: AblateScheduleConfig, s: Study) -> list[tuple[dict[str, float], Theorem62]]:
    """The bound over the grid of settings, and the map of measured time over bound."""
    grid = config.grid
    found = []
    for modes, sigma_0, last, r, epsilon in itertools.product(
        grid.modes, grid.sigma_0, [x for x in grid.last if x >= math.sqrt(2) * (1 - 1e-12)], grid.rates, grid.epsilons
    ):
        if last / modes < sigma_0:
            setting = {"modes": modes, "sigma_0": sigma_0, "sigma_min": last / modes, "r": r, "epsilon": epsilon}
            found.append((setting, annealing.theorem62(modes, sigma_0, last / modes, r, epsilon)))
    rows = [
        (*setting.values(), each.bound, each.time, each.ratio, each.slowest, each.condition, each.handy)
        for setting, each in found
    ]
    names = ("modes", "sigma_0", "sigma_min", "r", "epsilon")
    s.rows("theorem62", (*names, "bound", "time", "ratio", "slowest_mode", "condition", "handy"), rows)
    good = [each.ratio for _, each in found if each.condition]
    bad = [each.ratio for _, each in found if not each.condition]
    s.summary["theorem62_settings_with_condition"] = len(good)
    s.summary["theorem62_settings_without"] = len(bad)
    if good:
        s.summary["theorem62_ratio_with_condition"] = max(good)
    if bad:
        s.summary["theorem62_ratio_without"] = max(bad)
        s.summary["theorem62_smallest_ratio_without"] = min(bad)
    if found:
        are_last = [each.slowest == setting["modes"] for setting, each in found]
        s.summary["slowest_is_last_mode_fraction"] = float(np.mean(are_last))
        s.summary["handy_form_wrong_fraction"] = float(np.mean([e.handy != e.condition for _, e in found]))
        wide = [e.handy != e.condition for setting, e in found if setting["sigma_0"] >= 1]
        s.summary["handy_form_wrong_fraction_sigma_0_from_1"] = float(np.mean(wide)) if wide else 0.0
    _map(config, s)
    return found


def _map(config: AblateScheduleConfig, s: Study) -> None:
    """Measured time over the bound for the settings' K and ε at σ_min = √2/K, over r and σ₀."""
    sigma_min, level = math.sqrt(2) / config.modes, math.log(1 / config.epsilon)
    products = np.geomspace(0.1, 10, _MAP)
    widths = np.geomspace(max(0.2, 1.05 * sigma_min), max(10.0, 2 * sigma_min), _MAP)
    cells = [
        [annealing.theorem62(config.modes, width, sigma_min, product / level, config.epsilon) for product in products]
        for width in widths
    ]
    ratio, slowest = (
        np.array([[getattr(cell, part) for cell in row] for row in cells]) for part in ("ratio", "slowest")
    )
    exact = np.array([annealing.largest_product(config.modes, width, sigma_min) for width in widths])
    handy = -np.expm1(-(widths**2) / 2)
    places = np.meshgrid(products, widths)
    flat = {
        "r_log": places[0].ravel(),
        "sigma_0": places[1].ravel(),
        "ratio": ratio.ravel(),
        "slowest": slowest.ravel(),
    }
    s.curves("theorem62_map", flat)
    s.curves("theorem62_condition", {"sigma_0": widths, "largest_product": exact, "handy_form": handy})
    at_handy = [annealing.theorem62(config.modes, w, sigma_min, h / level, config.epsilon).ratio
                for w, h in zip(widths, handy, strict=True)]  # fmt: skip
    s.summary["theorem62_ratio_at_handy_form"] = max(at_handy)
    s.figures.append(
        figures.theorem(
            products, widths, ratio, slowest, exact, handy, config.modes, config.epsilon, s.path / "figures"
        )
    )


def _growth(config: AblateScheduleConfig, s: Study) -> None:
    """The time of exponential annealing against K at fixed r, with the condition of Theorem 6.2 and far outside it."""
    level = math.log(1 / config.epsilon)
    every = [modes for modes in _DOUBLINGS if math.sqrt(2) / modes < config.sigma_0]
    if len(every) < 3:  # too few for an interval of the exponent
        return
    allowed = min(annealing.largest_product(modes, config.sigma_0, math.sqrt(2) / modes) for modes in every)
    times = {}
    for name, product in (("with_condition", _WITHIN * allowed), ("without_condition", _VIOLATING)):
        found = [
            annealing.theorem62(modes, config.sigma_0, math.sqrt(2) / modes, product / level, config.epsilon).time
            for modes in every
        ]
        times[name] = np.array(found)
        line = fit(np.log(every), np.log(times[name]))
        s.interval(f"growth_exponent_{name}", line.slope, line.low, line.high)
        increments = np.diff(times[name])
        s.summary[f"increment_ratio_{name}"] = float(increments[-1] / increments[0])
    s.curves("growth", {"modes": np.array(every), **times})


def _optimum(config: AblateScheduleConfig, s: Study) -> None:
    """Times to reduce every mode by ε against K: lower bound, optimum, and each family at its best duration."""
    level = math.log(1 / config.epsilon)
    names = ("lower_bound", "optimal", *SWEEPS, "constant")
    rows, stairs = [], {}
    for modes in sorted({config.modes, *(m for m in _MODES if math.sqrt(2) / m < config.sigma_0)}):
        k = np.arange(1.0, modes + 1)
        sigma_min = config.last if modes == config.modes else math.sqrt(2) / modes
        stairs[modes] = optimal_schedule.optimal(gaussian_rate, k, 0.3 / modes, 5.0)
        course = stairs[modes].course(stairs[modes].time(config.epsilon) * (1 + 1e-9))
        measured = comparison.time_needed(course, gaussian_rate, k, level)
        best = [comparison.best_sweep(shape, gaussian_rate, k, level, config.sigma_0, sigma_min)[0]
                for shape in SWEEPS.values()]  # fmt: skip
        constant = level / comparison.best_constant(gaussian_rate, k, 0.3 / modes, 5.0)[1]
        rows.append((modes, optimal_schedule.lower_bound(modes, config.epsilon), measured, *best, constant))
    s.rows("times", ("modes", *names), rows)
    each = [dict(zip(names, row[1:], strict=True)) for row in rows]
    s.summary["exponential_over_other_times.max"] = max(
        times["exponential"] / min(times["linear"], times["cosine"]) for times in each
    )
    here = dict(zip(names, next(row for row in rows if row[0] == config.modes)[1:], strict=True))
    s.summary |= {f"time.{name}": time for name, time in here.items()}
    s.summary["optimal_over_lower_bound"] = here["optimal"] / here["lower_bound"]
    s.summary["optimal_over_lower_bound_least"] = min(row[2] / row[1] for row in rows)
    s.summary["exponential_over_optimal"] = here["exponential"] / here["optimal"]
    s.summary["linear_over_optimal"] = here["linear"] / here["optimal"]
    s.summary["constant_over_optimal"] = here["constant"] / here["optimal"]
    found = stairs[config.modes]
    s.curves("staircase", {"bandwidth": found.bandwidths, "share_of_time": found.shares})
    times = {name: np.array([row[1 + at] for row in rows]) for at, name in enumerate(names)}
    _draw_optimum(config, s, found, np.array([row[0] for row in rows]), times)


def _draw_optimum(
    config: AblateScheduleConfig,
    s: Study,
    found: optimal_schedule.Staircase,
    modes: np.ndarray,
    times: dict[str, np.ndarray],
) -> None:
    """The staircase, the mean rate that it gives each mode, and the times against K."""
    k = np.geomspace(0.5, 2 * config.modes, 400)
    each = gaussian_rate(found.bandwidths * k[:, None]) * found.shares
    s.curves(
        "staircase_rates", {"frequency": k, **{f"sigma_{b:.4g}": each[:, j] for j, b in enumerate(found.bandwidths)}}
    )
    duration, folder = found.time(config.epsilon), s.path / "figures"
    s.figures.append(figures.optimum(found, duration, k, each, config.modes, modes, times, folder))


def _kernels(config: AblateScheduleConfig, s: Study) -> None:
    """For every kernel: the condition of the lower bound, and the optimum over the bound where it holds."""
    k, level = np.arange(1.0, config.modes + 1), math.log(1 / config.epsilon)
    rows = []
    for (name, kernel), d in itertools.product(KERNELS.items(), _DIMENSIONS):
        rate = _rate(kernel, d)
        total = optimal_schedule.dual_sum(rate, _DUAL_MODES)
        found = optimal_schedule.optimal(rate, k, 0.05 / config.modes, 20.0)
        course = found.course(found.time(config.epsilon) * (1 + 1e-9))
        measured = comparison.time_needed(course, rate, k, level)
        exponential = comparison.best_sweep(annealing.exponential, rate, k, level, config.sigma_0, config.last)[0]
        rows.append((name, d, total, measured, measured / optimal_schedule.lower_bound(config.modes, config.epsilon),
                     exponential))  # fmt: skip
    names = ("kernel", "dimension", "dual_sum", "time_optimal", "optimal_over_lower_bound", "time_exponential")
    s.rows("kernels", names, rows)
    s.summary["lower_bound_condition"] = max(row[2] for row in rows)
    s.summary["lower_bound_condition_control"] = optimal_schedule.dual_sum(
        optimal_schedule.oscillating_rate, _DUAL_MODES
    )
    s.summary["optimal_over_lower_bound_least_kernel"] = min(row[4] for row in rows)
    for name, d, _, _, over, exponential in rows:
        s.summary[f"optimal_over_lower_bound.{name}_{d}d"] = over
        s.summary[f"time_exponential.{name}_{d}d"] = exponential


def _wins(config: AblateScheduleConfig, s: Study) -> list[Compared]:
    """Who has the least total error in each setting of the grid."""
    grid = config.grid
    found = []
    for modes, sigma_0, last in itertools.product(grid.modes, grid.sigma_0, grid.last):
        if last / modes < sigma_0:
            found += comparison.compare(gaussian_rate, modes, sigma_0, last / modes, grid.horizons, grid.spectra)
    rows = []
    for each in found:
        setting = each.setting
        places = (setting.modes, setting.sigma_0, setting.sigma_min, setting.horizon, setting.spectrum)
        rows.append((*places, *each.at_end.values(), *each.held.values()))
    names = ("modes", "sigma_0", "sigma_min", "horizon", "spectrum")
    ends = (f"log_error_{when}_{name}" for when in ("end", "held") for name in CONTESTANTS)
    s.rows("comparison", (*names, *ends), rows)
    for when, errors in (("end", [e.at_end for e in found]), ("held", [e.held for e in found])):
        for field, contestants in (("wins", _FAMILIES), ("wins_of_all", CONTESTANTS)):
            winners = [_winner(error, contestants) for error in errors]
            s.summary |= {f"{field}_{when}.{name}": winners.count(name) / max(len(winners), 1) for name in contestants}
    chosen = [_winner(e.at_end, _FAMILIES) for e in found if e.setting.sigma_0 >= 3 and e.setting.spectrum == 0]
    if chosen:
        s.summary["wins_end_wide_flat.exponential"] = chosen.count("exponential") / len(chosen)
    for contestants, name in ((_FAMILIES, "winners"), (CONTESTANTS, "winners_of_all")):
        cells = {(e.setting, "end"): _winner(e.at_end, contestants) for e in found}
        cells |= {(e.setting, "held"): _winner(e.held, contestants) for e in found}
        s.figures.append(figures.winners(cells, contestants, name, s.path / "figures"))
    return found


def _winner(errors: dict[str, float], names: Sequence[str]) -> str:
    return min(names, key=lambda name: errors[name])


def _training(config: AblateScheduleConfig, s: Study, runs: list[training.Run]) -> None:
    """SW-2 over the steps as mean ± sd over seeds, and the steps to twice the floor."""
    columns: list[tuple] = []
    for target, schedule in dict.fromkeys((run.target, run.schedule) for run in runs):
        same = [run for run in runs if (run.target, run.schedule) == (target, schedule)]
        key = f"{target}.{schedule.replace(', ', '_')}"
        last = np.array([run.sw[-1] for run in same])
        s.summary[f"sw.{key}"], s.summary[f"sw_sd.{key}"] = float(last.mean()), float(last.std(ddof=1))
        s.summary[f"sw_floor.{target}"] = float(np.mean([run.floor.mean() for run in runs if run.target == target]))
        reached = np.array([training.steps_to(run, 2.0) for run in same])
        s.summary[f"reached_2_floor.{key}"] = float(np.isfinite(reached).mean())
        if np.isfinite(reached).all():
            s.summary[f"steps_to_2_floor.{key}"] = float(reached.mean())
            s.summary[f"steps_to_2_floor_sd.{key}"] = float(reached.std(ddof=1))
        for run in same:
            columns += [(target, schedule, run.seed, *row) for row in zip(run.steps, run.sw, run.floor, strict=True)]
    s.rows("training", ("target", "schedule", "seed", "step", "sw", "floor"), columns)
    factors = _factors(config)
    s.curves("training_bandwidths", {"step": np.arange(config.steps + 1), **factors})
    s.figures.append(figures.training(runs, factors, config.kernel.bandwidth, s.path / "figures"))


def _factors(config: AblateScheduleConfig) -> dict[str, np.ndarray]:
    """kernel.bandwidth times these is what each schedule trained with."""
    steps = range(config.steps + 1)
    found: dict[str, np.ndarray] = {}
    for name, (settings, scale) in training.schedules(config).items():
        schedule = schedules.build(settings)
        found[name] = scale * np.array([schedule(step) for step in steps])
    return found


def _rate(kernel: Spectral, d: int) -> Rate:
    return lambda u: kernel.rate(u, d)


def _spectrum(kernel: Spectral, d: int) -> Rate:
    return lambda u: kernel.spectrum(u, d)
