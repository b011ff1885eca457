"""Nothing of a figure is cut off at its edge, whatever the settings, and tick labels stay apart."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from drift_cli.figures import curves
from drift_cli.figures.style import log_ticks, panels, style
from drift_cli.studies.compare_operators import figure_5
from drift_cli.studies.compare_operators import figures as compare_operators
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig
from drift_cli.studies.numbers import Interval
from drift_cli.studies.verify_flow import figures as verify_flow
from drift_cli.studies.verify_flow.jko_scheme import Limit
from drift_cli.studies.verify_flow.jko_step import Step

DRAWN = True
OPERATORS = ["mean_shift_laplace", "sharp", "sliced_wasserstein", *(f"operator_{k}" for k in range(13))]
STARTS = ["standard", "far", "collapsed", "missing_mode", "imbalanced"]


@pytest.fixture
def drawn(monkeypatch) -> Callable[..., Figure]:
    """Call a function of a module of figures, and return what it would have saved, laid out."""

    def draw(module: Any, name: str, *given: Any) -> Figure:
        found: list[Figure] = []

        def keep(figure: Figure, folder: Path, name: str) -> Path:
            found.append(figure)
            return folder / name

        monkeypatch.setattr(module, "save", keep)
        getattr(module, name)(*given, Path())
        FigureCanvasAgg(found[0]).draw()
        return found[0]

    return draw


def overhang(figure: Figure) -> float:
    """How far anything reaches beyond the figure's edge, in inches."""
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return max(-box.x0, -box.y0, box.x1 - width, box.y1 - height)


def labels_collide(axis: Axis) -> bool:
    low, high = sorted(axis.get_view_interval())
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    boxes = [t.label1.get_window_extent() for t in ticks if low <= t.get_loc() <= high and t.label1.get_text()]
    return any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


@pytest.mark.parametrize("operators", [1, 2, 3, 16])
@pytest.mark.parametrize("starts", [1, 2, 5])
def test_the_gallery_fits_its_page(operators: int, starts: int, drawn) -> None:
    points = np.random.default_rng(0).normal(size=(20, 2))
    labels, begun = OPERATORS[:operators], STARTS[:starts]
    shown = {(label, start): (points, "SW 12.3 floors, TV 0.12") for label in labels for start in begun}
    shown[labels[0], begun[0]] = (None, "diverged")
    figure = drawn(compare_operators, "gallery", shown, labels, begun, points, "particles")
    assert overhang(figure) < 0.02
    assert figure.get_figwidth() < 12
    # Negative control: a title of one line is cut off over a single panel.
    if operators == starts == 1:
        figure.suptitle("samples at the end (orange crosses) over the target (blue dots)")
        figure.canvas.draw()
        assert overhang(figure) > 0.1


@pytest.mark.parametrize("operators", [1, 3, 4, 16])
def test_figure_5_fits_and_shows_every_operator(operators: int, drawn) -> None:
    points = np.random.default_rng(0).normal(size=(20, 2))
    run = {"diverged": None, "steps": [0, 1, 3, 10], "seconds": [0.0, 0.002, 0.006, 0.03], "sw": [1.0, 0.4, 0.3, 0.2]}
    runs = {label: [run | {"floor": [0.09] * 4, "samples": points}] for label in OPERATORS[:operators]}
    figure = drawn(compare_operators, "training", runs, points)
    assert overhang(figure) < 0.02
    assert not any(labels_collide(axis) for axes in figure.axes[:2] for axis in (axes.xaxis, axes.yaxis))
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == OPERATORS[:operators]
    assert sum(line.get_marker() != "None" for line in figure.axes[0].get_lines()) == operators


def test_figure_5_calls_an_operator_what_the_paper_does() -> None:
    def named(**operators: dict[str, Any]) -> dict[str, str]:
        config = object.__new__(CompareOperatorsConfig)
        config.operators, config.only = operators, None
        return figure_5.names(config)

    laplace = {"drift": "mean_shift", "kernel": "laplace", "bandwidth": 0.1}
    sinkhorn = {"drift": "sinkhorn", "options": {"epsilon": 0.01}}
    assert named(a=laplace, b=sinkhorn, two_words={"drift": "sharp", "kernel": "laplace", "bandwidth": 0.1}) == {
        "a": "Laplace τ = 0.1",
        "b": "Sinkhorn ε = 0.01",
        "two_words": "two words",
    }
    rough = {"drift": "sinkhorn", "options": {"epsilon": 0.01, "tol": 0.1}}
    assert named(b=sinkhorn, rough=rough) == {"b": "b", "rough": "rough"}  # one name would be that of both


@pytest.mark.parametrize("bandwidths", [[0.5], [0.15, 0.5]])
@pytest.mark.parametrize("divisions", [[4, 8, 16], [8, 16, 32, 64, 128, 256]])
def test_the_jko_figure_fits_and_its_ticks_stay_apart(bandwidths: list[float], divisions: list[int], drawn) -> None:
    cases = itertools.product(bandwidths, ("normal", "uniform", "two_atoms"), (1e-3, 3e-3, 1e-2))
    steps = [
        Step(bandwidth, start, tau, frozen=10 * tau**2, drift=0.1 * tau, step=tau, residual=0, curvature=1, disorder=0,
             euler_lagrange=0, euler_lagrange_frozen=0)
        for bandwidth, start, tau in cases
    ]  # fmt: skip
    orders = {name: Interval(order, order, order) for name, order in (("step", 1.0), ("drift", 1.0), ("frozen", 2.0))}
    lengths = 2 / np.array(divisions)
    limit = Limit(lengths, 0.1 * lengths, np.full(len(lengths), 0.4), Interval(1.0, 1.0, 1.0), 0.0, 0.4)
    figure = drawn(verify_flow, "jko", steps, orders, limit)
    assert overhang(figure) < 0.02
    assert not any(labels_collide(axis) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis))
    last = figure.axes[-1]
    legend = last.get_legend()
    assert legend is not None
    box = legend.get_window_extent()
    for line in last.get_lines():
        assert not line.get_path().transformed(line.get_transform()).intersects_bbox(box, filled=False)


@pytest.mark.parametrize("span", [1.5, 4, 30, 1000])
def test_labels_of_a_logarithmic_axis_stay_apart(span: float) -> None:
    def collides(*, plain: bool) -> bool:
        with style():
            figure, (axis,) = panels(1, 1, 2.0, 2.0)
            axis.plot([0.125, 0.125 * span], [1, 1])
            axis.set_xscale("log")
            if plain:
                log_ticks(axis.xaxis)
            FigureCanvasAgg(figure).draw()
            return labels_collide(axis.xaxis)

    assert not collides(plain=True)
    if span == 4:
        assert collides(plain=False)  # negative control


@pytest.mark.parametrize("tol", [None, 1e-2])
def test_the_marginal_error_has_a_panel_where_the_drift_is_by_transport(tol: float | None, drawn) -> None:
    row = {"loss": 1.0, "drift_norm": 1.0, "sw": 1.0, "sw_floor": 0.1}
    rows = [row | {"step": k} | ({"marginal_error": 0.1 / k} if tol else {}) for k in (1, 10, 20)]
    figure = drawn(curves, "draw", rows, 0.1, tol, False)
    assert len(figure.axes) == (3 if tol is None else 4)
    assert overhang(figure) < 0.02
    told = [axes.get_ylabel() for axes in figure.axes if "marginal error" in axes.get_ylabel()]
    assert len(told) == (0 if tol is None else 1)
