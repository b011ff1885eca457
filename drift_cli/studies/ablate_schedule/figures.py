"""Figures of `drift ablate-schedule`: the sweeps, Theorem 6.2, the optimum, which schedule wins where, and training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from drift_cli.figures.style import BLACK, DATA, FLOOR, GOLD, GREEN, MODEL, SKY, panels, save, style
from drift_cli.studies.ablate_schedule.wins import winner

if TYPE_CHECKING:
    from drift_cli.studies.ablate_schedule.convergence import Convergence
    from drift_cli.studies.ablate_schedule.optimum import Optimum
    from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
    from drift_cli.studies.ablate_schedule.sweeps import Sweeps
    from drift_cli.studies.ablate_schedule.theorem62 import Map
    from drift_cli.theory.schedule_comparison import Compared

# colour, line, marker, letter and tint of each schedule: the tints differ in lightness, and the letters say the rest
LOOKS: dict[str, tuple[str, str, str, str, str]] = {
    "exponential": (MODEL, "-", "o", "E", "#F6C8A6"),
    "linear": (DATA, "--", "s", "L", "#5F97C4"),
    "cosine": (GREEN, "-.", "^", "C", "#DDF0E4"),
    "constant": (FLOOR, ":", "x", "K", "#8E8E8E"),
    "optimal": (BLACK, "-", "*", "O", "#FFFFFF"),
    "constant, wide": (FLOOR, ":", "x", "K", "#8E8E8E"),
    "constant, narrow": (SKY, ":", "+", "N", "#BBBBBB"),
    "lower_bound": (GOLD, "--", "", "", ""),
}


def _line(axis: Axes, name: str, x: np.ndarray, y: np.ndarray, every: float | None = 0.13) -> None:
    colour, line, marker, _, _ = LOOKS[name]
    label = "lower bound ln(1/ε)·H$_K$" if name == "lower_bound" else name
    axis.plot(x, y, color=colour, linestyle=line, marker=marker or None, markersize=4, markevery=every, label=label)


def sweeps(config: AblateScheduleConfig, found: Sweeps, folder: Path) -> Path:
    """Bandwidth and total error over the sweep and after it, and the decay that each mode has collected at its end."""
    horizon, level = config.horizon, math.log(1 / config.epsilon)
    with style():
        figure, axes = panels(1, 3, 3.3, 3.0)
        for name in found.bandwidth:
            _line(axes[0], name, found.times, found.bandwidth[name])
            _line(axes[1], name, found.times, found.log_error[name])
            _line(axes[2], name, found.modes, found.decay[name])
        axes[0].set(yscale="log", ylabel="bandwidth σ (radians)", xlabel="time of the flow")
        axes[1].set(ylabel="log₁₀ total error Σ|η$_k$|²", xlabel="time of the flow")
        for axis in axes[:2]:
            axis.axvline(horizon, color="#B0B0B0", linewidth=0.8)
        axes[0].annotate("then held", (horizon, 0.9), xycoords=("data", "axes fraction"), xytext=(3, 0),
                         textcoords="offset points", fontsize=7, color="#606060")  # fmt: skip
        axes[2].axhline(level, color="#B0B0B0", linewidth=0.8)
        axes[2].text(1.01, level, "ln(1/ε)", transform=axes[2].get_yaxis_transform(), fontsize=7, va="center")
        axes[2].set(xscale="log", ylabel="decay Λ$_k$ at the end of the sweep", xlabel="mode k")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
        return save(figure, folder, "sweeps")


def theorem(config: AblateScheduleConfig, found: Map, folder: Path) -> Path:
    """Measured time over Theorem 6.2's bound, and which mode is the slowest, over r ln(1/ε) and σ₀."""
    products, widths, log_ratio = found.products, found.widths, np.log10(found.ratio)
    with style():
        figure, axes = panels(1, 2, 4.4, 3.5)
        top = max(1.0, float(np.ceil(np.nanmax(log_ratio))))
        for axis, values, label, extent in (
            (axes[0], log_ratio, "log₁₀ (measured time / bound)", (-1, top)),
            (axes[1], found.slowest, "slowest mode k", (1, config.modes)),
        ):
            image = axis.pcolormesh(products, widths, values, cmap="cividis", vmin=extent[0], vmax=extent[1],
                                    rasterized=True)  # fmt: skip
            axis.plot(found.exact, widths, color="white", linewidth=3, label="exact condition")
            axis.plot(found.handy, widths, color="black", linestyle="--", linewidth=1,
                      label="r ln(1/ε) = 1 − exp(−σ₀²/2)")  # fmt: skip
            axis.set(xscale="log", yscale="log", xlabel="r ln(1/ε)", ylabel="first bandwidth σ₀ (radians)")
            axis.set_xlim(products[0], products[-1])
            axis.grid(visible=False)
            for side in (axis.xaxis, axis.yaxis):
                side.set_major_formatter(StrMethodFormatter("{x:g}"))
                side.set_minor_formatter(NullFormatter())
            figure.colorbar(image, ax=axis, label=label)
        axes[0].contour(products, widths, log_ratio, levels=[1, 2], colors="black", linewidths=0.8)
        at = len(widths) * 4 // 5  # near the top, where the contours stand upright
        for level in (1, 2):
            if len(beyond := np.flatnonzero(log_ratio[at] >= level)):
                axes[0].annotate(f"× {10**level}", (products[beyond[0]], widths[at]), xytext=(3, 0),
                                 textcoords="offset points", fontsize=8)  # fmt: skip
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, facecolor="#9A9A9A", frameon=True)
        setting = f"K = {config.modes}, ε = {config.epsilon:g}, σ$_{{min}}$ = √2/K"
        figure.suptitle(f"Theorem 6.2 at {setting}: holds to the left of the white line", fontsize=9)
        return save(figure, folder, "theorem62")


def optimum(config: AblateScheduleConfig, found: Optimum, folder: Path) -> Path:
    """The time-optimal staircase, the mean rate that it gives each mode, and every schedule's time against K."""
    stairs, k, total = found.stairs, found.frequencies, found.rates.sum(axis=1)
    with style():
        figure, axes = panels(1, 3, 3.4, 3.2)
        ends = np.concatenate([[0], np.cumsum(stairs.shares * stairs.time(config.epsilon))])
        axes[0].stairs(stairs.bandwidths, ends, baseline=None, color=BLACK, linewidth=1.8, zorder=3)
        axes[0].set(
            yscale="log", xlabel="time of the flow", ylabel="bandwidth σ (radians)", title="the fastest schedule"
        )
        for part in found.rates.T:
            axes[1].plot(k, part, color=FLOOR, linewidth=0.8)
        axes[1].plot(k, total, color=BLACK, label="all bandwidths")
        axes[1].axhline(stairs.rate, color=GOLD, linestyle="--", label="v$_K$, the slowest mode's")
        axes[1].axvspan(1, config.modes, color="#F0F0F0", zorder=0)
        axes[1].set(
            xscale="log", xlabel="mode k (shaded: 1 … K)", ylabel="mean rate", title="and its rates; grey: of each"
        )
        axes[1].set_ylim(0, 1.25 * total.max())
        axes[1].legend(loc="upper left")
        for name, values in found.times.items():
            _line(axes[2], name, np.array(found.modes), values, every=1)
        axes[2].set(xscale="log", yscale="log", xlabel="modes K", ylabel="time to reduce all modes by ε",
                    title="each family at its best")  # fmt: skip
        axes[2].legend(fontsize=7, loc="upper left")
        return save(figure, folder, "optimum")


def winners(found: list[Compared], names: tuple[str, ...], name: str, folder: Path) -> Path:
    """A cell per setting with the letter of the schedule of least error; panels by spectrum, at the end and held."""
    settings = [each.setting for each in found]
    spectra = sorted({setting.spectrum for setting in settings})
    down = sorted({(setting.modes, setting.sigma_0) for setting in settings})
    across = sorted({(round(setting.sigma_min * setting.modes, 6), setting.horizon) for setting in settings})
    with style():
        figure, axes = panels(2, len(spectra), max(0.2 * len(across) + 1.0, 3.2), max(0.2 * len(down) + 0.9, 2.2))
        colours = ListedColormap([LOOKS[each][4] for each in names])
        norm = BoundaryNorm(np.arange(len(names) + 1) - 0.5, len(names))
        for row, when in enumerate(("end", "held")):
            for column, spectrum in enumerate(spectra):
                axis = axes[row * len(spectra) + column]
                cells = np.full((len(down), len(across)), np.nan)
                for setting, each in zip(settings, found, strict=True):
                    if setting.spectrum == spectrum:
                        y = down.index((setting.modes, setting.sigma_0))
                        x = across.index((round(setting.sigma_min * setting.modes, 6), setting.horizon))
                        first = winner(each.at_end if when == "end" else each.held, names)
                        cells[y, x] = names.index(first)
                        axis.text(x, y, LOOKS[first][3], ha="center", va="center", fontsize=7.5)
                axis.imshow(cells, cmap=colours, norm=norm, aspect="auto")
                moment = "at the end of the sweep" if when == "end" else "held as long again"
                axis.set_title(
                    f"{moment}, |η$_k$(0)|² ∝ k$^{{{-spectrum:g}}}$" if spectrum else f"{moment}, flat spectrum"
                )
                _frame(axis, down, across, left=column == 0, bottom=row == 1)
        handles = [
            Patch(facecolor=LOOKS[each][4], edgecolor="black", label=f"{LOOKS[each][3]}  {each}") for each in names
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(names))
        return save(figure, folder, name)


def _frame(
    axis: Axes, down: list[tuple[int, float]], across: list[tuple[float, float]], *, left: bool, bottom: bool
) -> None:
    """Labels of the cells, and lines between blocks of equal K and of equal σ_min."""
    axis.grid(visible=False)
    axis.set_xticks(
        range(len(across)), [f"{horizon:g}" for _, horizon in across] if bottom else [], fontsize=7.5, rotation=90
    )
    axis.set_yticks(range(len(down)), [f"{sigma:g}" for _, sigma in down] if left else [], fontsize=7.5)
    axis.tick_params(length=0)
    for at in range(1, len(down)):
        if down[at][0] != down[at - 1][0]:
            axis.axhline(at - 0.5, color="black", linewidth=1.0)
    for at in range(1, len(across)):
        if across[at][0] != across[at - 1][0]:
            axis.axvline(at - 0.5, color="black", linewidth=1.0)
    if left:
        blocks = " | ".join(f"{modes}" for modes in dict.fromkeys(modes for modes, _ in down[::-1]))
        axis.set_ylabel(f"first bandwidth σ₀, blocks: K = {blocks}", fontsize=8)
    if bottom:
        blocks = " | ".join(f"{last:.3g}" for last in dict.fromkeys(last for last, _ in across))
        axis.set_xlabel(f"horizon T, blocks: σ$_{{min}}$K = {blocks}", fontsize=8)


def training(config: AblateScheduleConfig, found: Convergence, folder: Path) -> Path:
    """SW-2 over the steps, mean ± sd over seeds, with its floor and twice the floor; and the bandwidths."""
    runs, targets = found.runs, list(found.sw_floor)
    with style():
        figure, axes = panels(1, len(targets) + 1, 3.4, 3.2)
        for axis, target in zip(axes, targets, strict=False):
            for schedule in dict.fromkeys(run.schedule for run in runs):
                same = [run for run in runs if (run.target, run.schedule) == (target, schedule)]
                values = np.array([run.sw for run in same])
                mean, sd = values.mean(axis=0), values.std(axis=0, ddof=1)
                _line(axis, schedule, same[0].steps, mean)
                axis.fill_between(same[0].steps, np.maximum(mean - sd, mean / 10), mean + sd, color=LOOKS[schedule][0],
                                  alpha=0.15, linewidth=0)  # fmt: skip
            for multiple, line, label in ((1, "-", "floor"), (2, (0, (1, 3)), "2 × floor")):
                axis.axhline(multiple * found.sw_floor[target], color=GOLD, linestyle=line, linewidth=1.0, label=label)
            axis.set(yscale="log", xlabel="training step", ylabel="SW-2 (data size)", title=target)
        for schedule, factor in found.factors.items():
            _line(axes[-1], schedule, np.arange(len(factor)), config.kernel.bandwidth * factor)
        axes[-1].set(yscale="log", xlabel="training step", ylabel="bandwidth σ (data size)", title="schedules")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
        return save(figure, folder, "training")
