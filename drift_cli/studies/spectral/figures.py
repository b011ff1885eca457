"""Rates, convergence times and errors (Figure 2), and what lies beyond the theorem."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter

from drift_cli.figures.style import FLOOR, kernel_name, panels, save, style
from drift_cli.studies.spectral.beyond import Beyond, GaussianTarget, Multiplier, Stability, TiltedTarget
from drift_cli.studies.spectral.rates import Measurement, Particles, Prediction
from drift_cli.studies.spectral.times import Figure2
from drift_cli.theory.convergence_times import total_error
from drift_cli.theory.rates import paper_rate

_LOOKS = {  # colour, line style, marker of each kernel
    "gaussian": ("#0072B2", "-", "o"),
    "laplace": ("#D55E00", "--", "s"),
    "matern32": ("#009E73", "-.", "^"),
    "matern52": ("#CC79A7", ":", "D"),
    "rational_quadratic": ("#56B4E9", (0, (5, 1, 1, 1)), "v"),
}
_OTHER = ("#000000", (0, (1, 1)), "x")  # of one that is added to the catalogue
_COURSES = {
    "gaussian": ("fixed Gaussian", "#0072B2", "-", "o"),
    "laplace_paper": ("fixed Laplace, paper's rate", "#E69F00", ":", "x"),
    "laplace": ("fixed Laplace, exact rate", "#D55E00", "--", "s"),
    "annealed": ("Gaussian annealed exponentially", "#009E73", "-.", "^"),
    "annealed_laplace": ("Laplace annealed exponentially", "#CC79A7", (0, (5, 1, 1, 1)), "D"),
    "linear": ("Gaussian annealed linearly", "#56B4E9", (0, (6, 2)), "v"),
    "cosine": ("Gaussian annealed by a cosine", "#000000", (0, (3, 1, 1, 1, 1, 1)), "*"),
}
_PER_MODE = ("gaussian", "laplace", "annealed")
_SMALLEST_ERROR = 1e-11  # below: rounding
_OPEN: dict[str, Any] = {"linestyle": "none", "markerfacecolor": "none"}  # markers alone


def draw_predictions(predictions: list[Prediction], bandwidth: float, folder: Path) -> Path:
    """Exact rates above, the paper's formula below, a column for each dimension."""
    dimensions = list(dict.fromkeys(each.d for each in predictions)) or [1]
    with style():
        figure, axes = panels(2, len(dimensions), 2.7, 2.5)
        for each in predictions:
            colour, line, _ = _LOOKS.get(each.name, _OTHER)
            column = dimensions.index(each.d)
            u = bandwidth * each.frequencies
            axes[column].plot(u, each.exact, color=colour, linestyle=line, label=kernel_name(each.name))
            axes[len(dimensions) + column].plot(u, each.paper, color=colour, linestyle=line)
        for i, axis in enumerate(axes):
            which = "exact rate" if i < len(dimensions) else "paper's formula"
            axis.set_title(f"{which}, d = {dimensions[i % len(dimensions)]}", loc="left")
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.set_ylim(1e-4, 3)
            axis.set_xlabel("frequency × bandwidth")
            if i % len(dimensions) == 0:
                axis.set_ylabel("rate λ (1/time)")
        shown = {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
        figure.legend(shown.values(), shown.keys(), loc="outside upper center", ncols=min(5, 2 * len(dimensions)))
        return save(figure, folder, "predicted_rates")


def draw_rates(measurements: list[Measurement], particles: dict[str, Particles], folder: Path) -> Path:
    """Predictions as lines, measurements as markers, in 1-D and 2-D; below, their differences; particles beside."""
    with style():
        figure, axes = panels(2, 3, 3.4, 2.9)
        for each in measurements:
            column = each.d - 1
            _rates(axes[column], each)
            _differences(axes[3 + column], each)
        for d in (1, 2):
            top, bottom = axes[d - 1], axes[2 + d]
            top.set_title(f"rates, nonlinear equation in {d}-D", loc="left")
            top.set_ylabel("rate λ (1/time)")
            top.set_ylim(1e-3, 1.6)
            bottom.set_title(f"measured against predicted, {d}-D", loc="left")
            bottom.set_ylabel("relative difference")
            bottom.set_ylim(_SMALLEST_ERROR, 10)
            for axis in (top, bottom):
                axis.set_xscale("log")
                axis.set_yscale("log")
                axis.xaxis.set_minor_formatter(NullFormatter())  # over less than a decade they would collide
                axis.set_xlabel("frequency |ξ| (1/length)")
        for axis, (name, moved) in zip((axes[2], axes[5]), particles.items(), strict=True):
            _particles(axis, name, moved)
        handles, labels = axes[0].get_legend_handles_labels()
        handles += [
            axes[0].plot([], [], color="black", linewidth=0.8, linestyle=(0, (1, 2)))[0],
            axes[0].plot([], [], color="black", linestyle="none", marker="+")[0],
            axes[0].plot([], [], color="black", linestyle="none", marker="o", markersize=3.5, mfc="none")[0],
        ]
        labels += [
            "paper's formula, same colour",
            "difference to the paper's formula",
            "open markers: measured; below, its difference to the exact rate",
        ]
        figure.legend(handles, labels, loc="outside upper center", ncols=3)
        return save(figure, folder, "rates")


def _rates(axis: Axes, each: Measurement) -> None:
    colour, line, marker = _LOOKS.get(each.name, _OTHER)
    order = np.argsort(each.frequencies)
    fine = np.geomspace(each.frequencies.min(), each.frequencies.max(), 200)
    exact = each.kernel.rate(fine, each.d)
    axis.plot(fine, exact, color=colour, linestyle=line, label=f"{kernel_name(each.name)}, exact")
    if each.name in ("gaussian", "laplace"):
        axis.plot(fine, paper_rate(each.kernel, fine, each.d), color=colour, linestyle=(0, (1, 2)), linewidth=1.0)
    shown = order[each.resolved[order]]
    k, measured, bars = each.frequencies[shown], each.measured[shown], 1.96 * each.errors[shown]
    axis.errorbar(k, measured, bars, color=colour, marker=marker, markersize=3.5, capsize=2, **_OPEN)


def _differences(axis: Axes, each: Measurement) -> None:
    colour, _, marker = _LOOKS.get(each.name, _OTHER)
    k, measured = each.frequencies[each.resolved], each.measured[each.resolved]
    exact = np.maximum(np.abs(measured / each.exact[each.resolved] - 1), _SMALLEST_ERROR)
    axis.plot(k, exact, color=colour, marker=marker, markersize=3.5, **_OPEN)
    if each.name != "gaussian":  # the two formulas are one there
        paper = np.abs(measured / each.paper[each.resolved] - 1)
        axis.plot(k, paper, color=colour, linestyle="none", marker="+", markersize=4)


def _particles(axis: Axes, name: str, each: Particles) -> None:
    colour, line, marker = _LOOKS.get(name, _OTHER)
    axis.plot(each.modes, each.exact, color=colour, linestyle=line, label="exact")
    axis.errorbar(
        each.modes, each.measured, each.half_width, color="black", marker=marker, markersize=3.5, capsize=2,
        linewidth=0.8, label="random starts, 95 % interval", **_OPEN,
    )  # fmt: skip
    axis.axhline(0, color=FLOOR, linewidth=0.6)
    axis.set_ylim(-0.15, 1.15)
    axis.set_title(f"particles in 1-D, {kernel_name(name)}", loc="left")
    axis.set_xlabel("frequency k (1/length)")
    axis.set_ylabel("rate λ (1/time)")
    axis.legend(loc="upper right")


def draw_times(found: Figure2, epsilon: float, dimension: int, folder: Path) -> Path:
    """Figure 2: (a) T_k against k, (b) what is left of three modes, (c) the total error."""
    with style():
        figure, axes = panels(1, 3, 3.6, 3.6)
        others = [course.times for name, course in found.courses.items() if name != "gaussian"]
        largest = max(times[np.isfinite(times)].max(initial=1) for times in others)
        for name, course in found.courses.items():
            label, colour, line, marker = _COURSES[name]
            axes[0].plot(found.modes, course.times, color=colour, linestyle=line, label=label)
            spaced = slice(None, None, max(1, len(found.modes) // 10))
            modes, crossings = found.modes[spaced], course.crossings[spaced]
            axes[0].plot(modes, crossings, color=colour, marker=marker, markersize=4, **_OPEN)
            axes[2].plot(found.t, total_error(course.left), color=colour, linestyle=line)
            if course.followed is not None:
                every = max(1, len(found.followed_t) // 10)
                t, total = found.followed_t[::every], total_error(course.followed)[::every]
                axes[2].plot(t, total, color=colour, marker=marker, markersize=4, **_OPEN)
        axes[0].set_ylim(3, 100 * largest)
        axes[0].set_ylabel(f"time T$_k$ to {epsilon:g} of a mode")
        axes[0].set_xlabel("frequency k (1/length)")
        axes[0].set_title(f"(a) convergence times, d = {dimension}", loc="left")
        _per_mode(axes[1], found, epsilon)
        axes[2].set_ylim(1e-8, 1.5)
        axes[2].set_ylabel("total error, Σ|η$_k$|² over its start")
        axes[2].set_title("(c) all modes", loc="left")
        for axis in axes:
            axis.set_yscale("log")
        for axis in axes[1:]:
            axis.set_xlabel("time t")
        figure.legend(
            *axes[0].get_legend_handles_labels(),
            loc="outside upper center",
            ncols=4,
            title="lines: closed form (linear and cosine: integrated); "
            "markers: (a) integration and root finding, (b, c) the nonlinear equation",
        )
        return save(figure, folder, "convergence_times")


def _per_mode(axis: Axes, found: Figure2, epsilon: float) -> None:
    """A low, a middle and the highest mode under the exact drifts that the nonlinear equation was solved for."""
    chosen = sorted({0, len(found.modes) // 3, len(found.modes) - 1})
    widths = (0.9, 1.5, 2.3)
    for name in _PER_MODE:
        course = found.courses[name]
        if course.followed is None:
            continue
        _, colour, line, marker = _COURSES[name]
        every = max(1, len(found.followed_t) // 8)
        for width, i in zip(widths, chosen, strict=False):
            axis.plot(found.t, course.left[:, i], color=colour, linestyle=line, linewidth=width)
            t, followed = found.followed_t[::every], course.followed[::every, i]
            axis.plot(t, followed, color=colour, marker=marker, markersize=2 + width, **_OPEN)
    axis.axhline(epsilon, color=FLOOR, linestyle="--", linewidth=0.8)
    axis.set_ylim(epsilon / 10, 1.5)
    axis.set_ylabel("part of a mode left, |η$_k$|/|η$_k$(0)|")
    thickness = ", ".join(f"{int(found.modes[i])}" for i in chosen)
    axis.set_title(f"(b) modes k = {thickness} (thin to thick)", loc="left")


def draw_beyond(found: Beyond, ratio: float, tilt: float, regularisation: float, folder: Path) -> Path:
    """Non-uniform targets, Sinkhorn and smoothed KL, and the largest explicit step."""
    with style():
        figure, axes = panels(2, 2, 3.9, 3.0)
        _gaussian_target(axes[0], found.gaussian, ratio)
        _tilted_target(axes[1], found.tilted, tilt)
        _other_drifts(axes[2], found.multipliers, regularisation)
        _stability(axes[3], found.stability)
        return save(figure, folder, "beyond")


def _gaussian_target(axis: Axes, found: GaussianTarget, ratio: float) -> None:
    axis.plot(found.orders, found.exact, color="#0072B2", label="n(1 − β)βⁿ⁻¹")
    axis.plot(
        found.orders, found.measured, color="#0072B2", marker="o", markersize=4, label="operator by quadrature", **_OPEN
    )
    axis.plot(found.orders, found.homogeneous, color="#D55E00", linestyle="--", label="uniform theory")
    axis.set_xlabel("order n of the Hermite mode")
    axis.set_ylabel("rate (1/time)")
    axis.set_title(f"Gaussian target, s = {ratio:g} σ", loc="left")
    axis.set_ylim(0, 1.5 * max(found.homogeneous.max(), found.exact.max()))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(loc="upper right")


def _tilted_target(axis: Axes, found: TiltedTarget, tilt: float) -> None:
    drift, smoothed = found.drift, found.smoothed_kl
    axis.plot(drift.real, drift.imag, "o", color="#0072B2", ms=4, mfc="none", label="drift")
    axis.plot(smoothed.real, smoothed.imag, "|", color="#D55E00", ms=8, label="Wasserstein flow of KL(q$_σ$ ‖ p$_σ$)")
    axis.set_xlabel("real part (1/time)")
    axis.set_ylabel("imaginary part (1/time)")
    axis.set_title(f"eigenvalues around p ∝ 1 + {tilt:g} cos x", loc="left")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.45 * (high - low))
    axis.legend(loc="upper left")


def _other_drifts(axis: Axes, found: dict[str, Multiplier], regularisation: float) -> None:
    looks = {
        "sinkhorn": ("#009E73", "-", "o", f"Sinkhorn, ε = {regularisation:g}"),
        "smoothed_kl": ("#CC79A7", "--", "s", "σ² × smoothed KL"),
    }
    for name, (colour, line, marker, label) in looks.items():
        each = found[name]
        axis.plot(each.modes, each.predicted, color=colour, linestyle=line, label=label)
        axis.plot(each.modes, each.measured, color=colour, marker=marker, markersize=4, **_OPEN)
    axis.set_xlabel("frequency k (1/length)")
    axis.set_ylabel("rate (1/time)")
    axis.set_title("other drifts: predicted, and from the field", loc="left")
    axis.legend(loc="upper right")


def _stability(axis: Axes, found: dict[str, Stability]) -> None:
    for name, each in found.items():
        colour, line, marker = _LOOKS.get(name, _OTHER)
        eta = np.linspace(each.steps[0], each.steps[-1], 50)
        label = f"{kernel_name(name)}, 2/max λ = {each.limit:.3f}"
        axis.plot(eta, 2 * eta / each.limit - 1, color=colour, linestyle=line, label=label)
        axis.plot(each.steps, each.growth, color=colour, marker=marker, markersize=4, **_OPEN)
        axis.axvline(each.limit, color=FLOOR, linestyle=":", linewidth=0.8)
    axis.axhline(1, color=FLOOR, linestyle="--", linewidth=0.8)
    axis.set_ylim(0.77, 1.36)
    axis.set_xlabel("step η (1 is the training step)")
    axis.set_ylabel("growth per step, fastest mode")
    axis.set_title("explicit step x ← x + ηV, particles in 1-D", loc="left")
    axis.legend(loc="upper left")
