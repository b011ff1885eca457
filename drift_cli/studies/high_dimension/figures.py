"""Figures of `drift high-dimension`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from drift_cli.figures.style import DATA, FLOOR, LINE_STYLES, MODEL, log_ticks, panels, save, style
from drift_cli.studies.high_dimension.collapse import FORMS, Collapse
from drift_cli.studies.high_dimension.comparison import Outcome, Particles
from drift_cli.studies.high_dimension.images import Images
from drift_cli.studies.high_dimension.methods import METHODS
from drift_cli.studies.high_dimension.network import BUDGETS, Network
from drift_cli.studies.high_dimension.self_terms import TERMS, SelfTerms
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place, places
from drift_cli.studies.numbers import Estimate, Interval

_COLOURS = (MODEL, DATA, "#E69F00", "#56B4E9", "#009E73", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "x")


def against_dimension(config: HighDimensionConfig, found: Particles, folder: Path) -> Path:
    """TV at the chosen bandwidth, and how many bandwidths are good, by dimension; 95 % intervals over seeds."""
    rows = _rows(config)
    with style():
        figure, axes = panels(2, len(rows), 3.9, 2.7)
        for column, (title, own) in enumerate(rows.items()):
            above, below = axes[column], axes[len(rows) + column]
            for k, method in enumerate(config.methods):
                outcomes = [found.particles[f"{place.name}.{method}"] for place in own]
                _line(above, own, [each.tv for each in outcomes], k, len(config.methods), METHODS[method].title)
                if method in config.whole:
                    _line(below, own, [_good(each) for each in outcomes], k, len(config.methods))
            floor = [found.floor.value(f"floor.{place.name}.tv") for place in own]
            above.plot([p.dimension for p in own], floor, color=FLOOR, linewidth=1, label="the target's own points")
            above.set(yscale="log", ylabel="TV of the mode shares", title=title)
            below.set(ylim=(-0.2, len(config.factors) + 0.2), xlabel="dimension",
                      ylabel=f"bandwidths of {len(config.factors)} with TV < {config.good:g}")  # fmt: skip
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(4, 2 * len(rows)))
        return save(figure, folder, "against_dimension")


def networks(config: HighDimensionConfig, found: Network, folder: Path) -> Path:
    """TV of the network's samples after the short and the long budget, from each start; 95 % intervals over seeds."""
    own, ticks = config.network, np.arange(len(config.network.methods))
    with style():
        figure, axes = panels(1, len(own.starts), 3.9, 2.7)
        for axis, start in zip(axes, own.starts, strict=True):
            for k, budget in enumerate(BUDGETS):
                values = [found.ended[f"network.{start}.{budget}.{method}"].tv for method in own.methods]
                number = own.short if budget == "short" else own.long
                _points(axis, ticks + 0.2 * k - 0.1, values, 1 - k, f"{number:,} steps")
            axis.axhline(found.floor.value("network.floor.tv"), color=FLOOR, linewidth=1)
            axis.set_xticks(ticks, [METHODS[method].title.replace(", ", ",\n") for method in own.methods], fontsize=7)
            axis.set(ylim=(0, 1.02), title=f"from {start} samples")
        axes[0].set_ylabel(f"TV of the mode shares, D = {own.dimension}")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
        return save(figure, folder, "network")


def self_terms(config: HighDimensionConfig, found: SelfTerms, folder: Path) -> Path:
    """What becomes of points of the target, by whether a sample counts itself; 95 % intervals over seeds."""
    own = [Place.everywhere(dimension) for dimension in config.self_dimensions]
    with style():
        figure, axes = panels(1, 2, 3.9, 2.7)
        for k, term in enumerate(TERMS):
            kept = [found.self_term[f"self_term.{place.dimension}.{term}"] for place in own]
            there = [(place, each.variance) for place, each in zip(own, kept, strict=True) if each.variance is not None]
            if there:
                _line(axes[0], [place for place, _ in there], [each for _, each in there], k, len(TERMS), term)
            _line(axes[1], own, [each.size for each in kept], k, len(TERMS), term)
        for axis, what in zip(axes, ("variance within the modes / target's", "radius / target's"), strict=True):
            axis.axhline(1, color=FLOOR, linewidth=1)
            axis.set(yscale="log", xlabel="dimension", ylabel=what)
            axis.set_xticks(config.self_dimensions, [str(each) for each in config.self_dimensions])
            log_ticks(axis.yaxis)
        axes[1].legend(fontsize=7, title="self term", title_fontsize=7)
        return save(figure, folder, "self_terms")


def of_images(config: HighDimensionConfig, found: Images, folder: Path) -> Path:
    """Fréchet distance over its floor, each method at its best bandwidth, in pixels and in codes; means ± SD."""
    own = config.images
    ticks = np.arange(len(own.methods))
    with style():
        figure, axes = panels(1, len(own.spaces), 3.9, 2.7)
        for axis, space in zip(axes, own.spaces, strict=True):
            for k, classes in enumerate(own.classes):
                means = [
                    found.generated[f"images.{space}.{classes}.{method}"].frechet_over_floor for method in own.methods
                ]
                values, spreads = [each.value for each in means], [each.spread().get("sd", 0.0) for each in means]
                axis.errorbar(ticks + 0.2 * k - 0.1, values, spreads, color=_COLOURS[k], marker=_MARKERS[k],
                              markersize=4, linestyle="", elinewidth=0.8, label=classes)  # fmt: skip
            axis.axhline(1, color=FLOOR, linewidth=1)
            axis.set_xticks(ticks, [METHODS[method].title.replace(", ", ",\n") for method in own.methods], fontsize=7)
            axis.set(yscale="log", title=f"{own.dataset} in {space}")
        axes[0].set_ylabel("Fréchet distance / floor")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
        return save(figure, folder, "images")


_FORMS = {
    "official": "joint softmax, RMS (official)",
    "joint_softmax": "joint softmax",
    "rms": "mean shifts, RMS",
    "mean_shifts": "mean shifts",
}


def collapse(config: HighDimensionConfig, found: Collapse, folder: Path) -> Path:
    """Spread of the samples after training, by their spread at the start; 95 % intervals over seeds."""
    own = config.collapse
    with style():
        figure, axes = panels(1, len(own.dimensions), 3.9, 2.7)
        for axis, dimension in zip(axes, own.dimensions, strict=True):
            for k, form in enumerate(FORMS):
                values = [found.at(dimension, spread, form).spread for spread in own.spreads]
                y, low, high = _ends(values)
                x = np.array(own.spreads) * 1.06 ** (k - (len(FORMS) - 1) / 2)
                axis.errorbar(x, y, [y - low, high - y], color=_COLOURS[k], marker=_MARKERS[k], markersize=4,
                              linestyle=LINE_STYLES[k % 4], linewidth=1.1, label=_FORMS[form])  # fmt: skip
            axis.axhline(1, color=FLOOR, linewidth=1)
            axis.set(
                xscale="log", xlabel="spread at the start / target's", title=f"D = {dimension}", ylim=(-0.05, None)
            )
            axis.set_xticks(own.spreads, [f"{spread:g}" for spread in own.spreads])
            axis.xaxis.set_minor_locator(NullLocator())
        axes[0].set_ylabel(f"spread after {own.steps:,} steps / target's")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
        return save(figure, folder, "collapse")


def _points(axis: Axes, x: np.ndarray, values: list[Estimate], k: int, label: str) -> None:
    y, low, high = _ends(values)
    axis.errorbar(x, y, [y - low, high - y], color=_COLOURS[k], marker=_MARKERS[k], markersize=4, linestyle="",
                  elinewidth=0.8, label=label)  # fmt: skip


def _ends(values: list[Estimate]) -> tuple[np.ndarray, ...]:
    """The values and the ends of their intervals."""
    ends = [(v.value, v.low, v.high) if isinstance(v, Interval) else (v.value,) * 3 for v in values]
    return tuple(np.array(ends).T)


def _rows(config: HighDimensionConfig) -> dict[str, list[Place]]:
    every = places(config)
    drawn = {
        "means on a circle (D = 2), on the sphere": [p for p in every if p.placement != "subspace"],
        "means in a 4-dimensional subspace": [p for p in every if p.placement == "subspace"],
    }
    return {title: own for title, own in drawn.items() if own}


def _good(outcome: Outcome) -> Estimate:
    assert outcome.good is not None
    return outcome.good


def _line(axis: Axes, own: list[Place], values: list[Estimate], k: int, of: int, label: str = "") -> None:
    """One method, its points a little to the side of the others'."""
    shift = 2 ** (0.16 * (k - (of - 1) / 2))
    x = shift * np.array([place.dimension for place in own])
    y, low, high = _ends(values)
    axis.errorbar(x, y, [y - low, high - y], color=_COLOURS[k], marker=_MARKERS[k], markersize=4, linewidth=1.1,
                  linestyle=LINE_STYLES[k % 4], elinewidth=0.8, label=label)  # fmt: skip
    axis.set_xscale("log", base=2)
    axis.set_xticks([place.dimension for place in own], [str(place.dimension) for place in own])
    axis.xaxis.set_minor_locator(NullLocator())
