"""Figures of `drift verify-flow`: the gap to the drift, JKO steps, energies along schemes, and the counterexample."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from drift_cli.figures.style import BLACK, DATA, FLOOR, GOLD, GREEN, LINE_STYLES, MODEL, log_ticks, panels, save, style
from drift_cli.studies.numbers import Interval
from drift_cli.studies.verify_flow.descent import Counterexample, Search
from drift_cli.studies.verify_flow.gap import Gaps, ModeRates
from drift_cli.studies.verify_flow.jko_scheme import Energies, Limit
from drift_cli.studies.verify_flow.jko_step import Step
from drift_cli.studies.verify_flow.limits import Continuity, ManyParticles, SmallSteps
from drift_cli.studies.verify_flow.starts import STARTS

_MARKERS = ("o", "s", "^", "D")
_SCHEMES = {  # label, colour, line, marker
    "jko": ("JKO", BLACK, "-", "o"),
    "frozen": ("frozen field, x + τv", DATA, "--", "s"),
    "drift": ("plain drift, x + τV/σ²", MODEL, ":", "^"),
}


def gaps(found: Gaps, modes: ModeRates, folder: Path) -> Path:
    """v − V/σ² over the bandwidth, absolute and relative, and mode by mode on the torus."""
    with style():
        figure, axes = panels(1, 3, 3.2, 3.0)
        sigma = found.bandwidth
        axes[0].plot(sigma, found.bound, color=FLOOR, linestyle="-.", label="bound σ²/2 · sup|u″|")
        axes[0].plot(sigma, found.sup, color=MODEL, marker="o", markersize=3.5, label="sup |v − u|")
        axes[0].plot(sigma, found.norm, color=DATA, linestyle="--", marker="s", markersize=3.5, label="in L²(q)")
        small = sigma[: max(3, len(sigma) // 2)]
        guide = found.norm[0] / 4 * (small / small[0]) ** 2
        axes[0].plot(small, guide, color=FLOOR, linewidth=0.8, label="slope 2")
        axes[0].set(xscale="log", yscale="log", xlabel="bandwidth σ (unit of x)", ylabel="gap (1 / unit of x)")
        axes[0].legend(loc="lower right", fontsize=7)
        axes[1].plot(sigma, 100 * found.relative, color=DATA, linestyle="--", marker="s", markersize=3.5)
        axes[1].set(xscale="log", xlabel="bandwidth σ (unit of x)", ylabel="gap relative to u, in L²(q) (%)")
        axes[1].set_ylim(0)
        log_ticks(axes[0].xaxis, axes[0].yaxis, axes[1].xaxis)
        product = modes.bandwidth * modes.mode
        line = np.linspace(0, product.max(), 200)
        axes[2].plot(line, 100 * (1 - np.exp(-(line**2) / 2)), color=FLOOR, label="1 − exp(−σ²k²/2)")
        for k, bandwidth in enumerate(np.unique(modes.bandwidth)):
            of = modes.bandwidth == bandwidth
            axes[2].plot(product[of], 100 * modes.measured[of], linestyle="none", marker=_MARKERS[k % 4], markersize=4,
                         color=(DATA, MODEL, BLACK, GREEN)[k % 4], markerfacecolor="white",
                         label=f"measured, σ = {bandwidth:g}")  # fmt: skip
        axes[2].axvline(np.sqrt(2), color=FLOOR, linewidth=0.7, linestyle=":")
        axes[2].annotate("fastest mode\nof the drift", (np.sqrt(2), 90), xytext=(-3, 0), textcoords="offset points",
                         fontsize=7, color="#606060", ha="right")  # fmt: skip
        axes[2].set(xlabel="σk", ylabel="1 − rate under v / rate under u (%)", ylim=(0, 104))
        axes[2].legend(loc="lower right", fontsize=7)
        return save(figure, folder, "gap")


def jko(steps: list[Step], orders: dict[str, Interval], limit: Limit, folder: Path) -> Path:
    """W₂ from one JKO step to the two explicit ones over its length, a panel to the bandwidth; and the limit τ → 0."""
    bandwidths = sorted({step.bandwidth for step in steps})
    looks = {
        "step": ("to where it began", FLOOR, "-."),
        "drift": ("to the plain drift step", MODEL, ":"),
        "frozen": ("to the frozen-field step", DATA, "-"),
    }
    with style():
        figure, axes = panels(1, len(bandwidths) + 1, 3.3, 3.2)
        for axis, bandwidth in zip(axes, bandwidths, strict=False):
            for name, (label, colour, line) in looks.items():
                for k, start in enumerate(STARTS):
                    of = [step for step in steps if (step.bandwidth, step.start) == (bandwidth, start)]
                    axis.plot(
                        [step.tau for step in of], [getattr(step, name) for step in of], color=colour, linestyle=line,
                        marker=_MARKERS[k], markersize=3.5, label=None if k else f"{label} ({orders[name].value:.2f})",
                    )  # fmt: skip
            axis.set(xscale="log", yscale="log", xlabel="step τ (σ²)", ylabel="W₂ from the JKO step (unit of x)")
            axis.set_title(f"one step, σ = {bandwidth:g}")
        handles, names = axes[0].get_legend_handles_labels()
        for k, start in enumerate(STARTS):
            handles.append(Line2D([], [], color=BLACK, linestyle="none", marker=_MARKERS[k], markersize=3.5))
            names.append(f"start: {start.replace('_', ' ')}")
        last = axes[len(bandwidths)]
        last.plot(limit.tau, 100 * limit.to_flow, color=BLACK, marker="o", markersize=3.5, label="the flow of v")
        last.plot(limit.tau, 100 * limit.to_drift_flow, color=MODEL, linestyle=":", marker="^", markersize=3.5,
                  label="the flow of V/σ²")  # fmt: skip
        last.set(xscale="log", yscale="log", xlabel="step τ (σ²)", ylabel="largest W₂ on the way (% of it)")
        for axis in axes:
            log_ticks(axis.xaxis, axis.yaxis)
        last.legend(loc="lower center", bbox_to_anchor=(0.5, 1), borderaxespad=0, ncols=2, title_fontsize=9,
                    title=f"repeated JKO steps, σ = {bandwidths[-1]:g}, against")  # fmt: skip
        figure.legend(handles, names, loc="outside lower center", ncols=2,  # distances in the first column, then starts
                      title="one JKO step: distance (fitted order)", title_fontsize=9)  # fmt: skip
        return save(figure, folder, "jko")


def energies(found: Energies, bandwidth: float, folder: Path) -> Path:
    """F_σ over the steps of the three schemes, a panel to the step's length."""
    with style():
        figure, axes = panels(1, len(found.taus), 3.6, 3.0)
        for axis, tau, length in zip(axes, found.taus, found.lengths.values(), strict=True):
            for k, (scheme, (label, colour, line, marker)) in enumerate(_SCHEMES.items()):
                axis.plot(length.schemes[scheme].energy, color=colour, linestyle=line, marker=marker, markersize=3.5,
                          markevery=(2 * k, 8), label=label)  # fmt: skip
            axis.set(
                yscale="log", xlabel="step", ylabel="energy F$_σ$ (nats)", title=f"σ = {bandwidth:g}, τ = {tau:g} σ²"
            )
            log_ticks(axis.yaxis)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        return save(figure, folder, "energies")


def counterexample(found: Counterexample, search: Search, folder: Path) -> Path:
    """Drift and exact velocity of a point mass between two modes, its energy, the paths, and how common this is."""
    with style():
        figure, axes = panels(2, 2, 4.2, 2.9)
        _fields(axes[0], found)
        _landscape(axes[1], found)
        _along(axes[2], found)
        _search(axes[3], search)
        return save(figure, folder, "counterexample")


def limits(euler: SmallSteps, particles: ManyParticles, continuity: Continuity, folder: Path) -> Path:
    """Particles as the step shrinks and as they grow in number; energy and velocity as the measure tends to another."""
    with style():
        figure, axes = panels(2, 2, 4.0, 2.9)
        eta, error = euler.eta, euler.error
        axes[0].plot(eta, error, color=DATA, marker="o", markersize=3.5, label="measured")
        axes[0].plot(eta, error[-1] / 2 * eta / eta[-1], color=FLOOR, linewidth=0.8, label="slope 1")
        axes[0].set(xlabel="step η (time of V)", ylabel="off the flow (unit of x)", title="x + ηV against dx/dt = V")
        count, distance, half = particles.particles, particles.distance, 1.96 * particles.standard_error
        axes[1].errorbar(count, distance, half, color=DATA, marker="o", markersize=3.5, label="mean, 95 % interval")
        guide = distance[0] / 1.5 * (count / count[0]) ** -0.5
        axes[1].plot(count, guide, color=FLOOR, linewidth=0.8, label="slope −1/2")
        axes[1].set(xlabel="particles N", ylabel="W₁ (unit of x)", title="N particles against the mean field")
        for marker, (bandwidth, energy) in zip(itertools.cycle(_MARKERS), continuity.energy.items(), strict=False):
            name, velocity = f"σ = {bandwidth:g}", continuity.velocity[bandwidth]
            for excess, label, colour, line in (
                (energy.excess, name, DATA, "-"),
                (energy.escaping, f"{name}, one point at √n", MODEL, "--"),
            ):
                axes[2].plot(energy.points, np.abs(excess), color=colour, linestyle=line, marker=marker,
                             markersize=3.5, label=label)  # fmt: skip
            for row, (w, change) in enumerate(zip(velocity.distance, velocity.change, strict=True)):
                axes[3].plot(w, change, color=DATA, linewidth=0.8, marker=marker, markersize=3.5,
                             label=None if row else name)  # fmt: skip
        axes[2].set(xlabel="points n", ylabel="|F$_σ$(q$_n$) − F$_σ$(q)| (nats)",
                    title="energy of n points q$_n$ and of their limit q")  # fmt: skip
        w, lowest = velocity.distance, velocity.change.min()
        ends = np.array([w.min(), w.max()])
        axes[3].plot(ends, lowest / 3 * ends / ends[0], color=FLOOR, linewidth=0.8, label="slope 1")
        axes[3].set(xlabel="W₂(q, q′) (unit of x)", ylabel="sup |v$_q$ − v$_{q′}$| (1 / unit of x)",
                    title="gradient field, six displacements of q")  # fmt: skip
        for axis in axes:
            axis.set(xscale="log", yscale="log")
            axis.legend(fontsize=7)
        # less than two decades: the values measured
        for axis, ticks in zip(axes, (eta, count, energy.points), strict=False):
            axis.set_xticks(ticks, [f"{tick:.2g}" if tick < 1 else f"{tick:g}" for tick in ticks])
            axis.xaxis.set_minor_locator(NullLocator())
        return save(figure, folder, "limits")


def _opposite(axis: Axes, found: Counterexample) -> None:
    land = found.landscape
    axis.fill_between(
        land.x, 0, 1, where=land.drift * land.velocity < 0, transform=axis.get_xaxis_transform(), color=GOLD,
        alpha=0.3, linewidth=0, label="F$_σ$ rises along the drift",
    )  # fmt: skip
    axis.axvline(found.along["drift"].position[0], color=BLACK, linewidth=0.8, linestyle=LINE_STYLES[2])
    axis.set_xlim(land.x[0], land.x[-1])
    axis.set_xlabel("place x of the point mass (σ)")


def _fields(axis: Axes, found: Counterexample) -> None:
    land = found.landscape
    _opposite(axis, found)
    axis.axhline(0, color=FLOOR, linewidth=0.7)
    axis.plot(land.x, land.drift, color=MODEL, linestyle="--", label="drift u = V/σ²")
    axis.plot(land.x, land.velocity, color=DATA, label="exact velocity v")
    axis.set_ylabel("velocity (1/σ)")
    axis.set_title("dotted: the start")
    low, high = axis.get_ylim()
    axis.set_ylim(low - 0.25 * (high - low), high)  # for the legend below the curves
    axis.legend(fontsize=7, loc="lower left")


def _landscape(axis: Axes, found: Counterexample) -> None:
    _opposite(axis, found)
    axis.plot(found.landscape.x, found.landscape.energy, color=BLACK)
    drift, exact = found.along["drift"], found.along["exact"]
    axis.plot(drift.position_end, drift.energy_end, "^", color=MODEL, markersize=6, label="end of the drift")
    axis.plot(exact.position_end, exact.energy_end, "o", color=DATA, markersize=6, label="end of the flow of v")
    axis.set_ylabel("energy F$_σ$ (nats)")
    axis.set_ylim(0)
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(0.0, 0.9))


def _along(axis: Axes, found: Counterexample) -> None:
    drift, exact, times = found.along["drift"].energy, found.along["exact"].energy, found.noised.times
    draws, noised = list(found.noised.energy.items())[-1]
    mean, sd = noised.mean(axis=0), noised.std(axis=0, ddof=1)
    axis.fill_between(times, mean - sd, mean + sd, color=GREEN, alpha=0.2, linewidth=0)
    axis.plot(found.times, drift, color=MODEL, linestyle="--", label="drift")
    axis.plot(found.times, exact, color=DATA, label="exact velocity")
    axis.plot(times, mean, color=GREEN, linestyle="-.", label=f"{draws} noised queries a step, mean ± sd")
    axis.set(xlabel="time (σ²)", ylabel="energy F$_σ$ (nats)", xlim=(0, min(6, float(found.times[-1]))))
    axis.set_ylim(0)
    axis.legend(fontsize=7, loc="upper right", bbox_to_anchor=(1, 0.76))
    early = found.times <= 2.5 * found.energy_highest_at_time
    if early.sum() > 2 and drift.max() > drift[0]:
        inset = axis.inset_axes((0.62, 0.13, 0.36, 0.28))
        for energy, colour, line in ((drift, MODEL, "--"), (exact, DATA, "-")):
            inset.plot(found.times[early], (energy - energy[0])[early], color=colour, ls=line)
        inset.set_title("change from the start", fontsize=7)
        inset.tick_params(labelsize=6)


def _search(axis: Axes, found: Search) -> None:
    shares = {"random": found.rising_random, "worst found by moving the particles": found.rising_sought}
    for k, (label, of) in enumerate(shares.items()):
        value, low, high = np.array([(each.value, each.low, each.high) for each in of.values()]).T
        axis.errorbar(
            np.array(list(of)) + 0.06 * (2 * k - 1), 100 * value, 100 * np.abs(np.array([low, high]) - value),
            color=(DATA, MODEL)[k], marker=_MARKERS[k], markersize=4, linestyle=LINE_STYLES[k], label=label,
        )  # fmt: skip
    axis.set(xlabel="particles", ylabel="F$_σ$ rises along the drift (%)", ylim=(0, 100))
    axis.set_title("share of configurations, 95 % interval")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(fontsize=7, loc="upper left")
