"""Figures of `drift stop-grad-study`: Figures 3 and 4, and further curves, samples and pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axis import Axis
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from drift_cli.figures.style import BLACK, DATA, FLOOR, GREEN, MODEL, kernel_name, panels, save, style
from drift_cli.studies.stop_grad_study.comparison import OfPaths
from drift_cli.studies.stop_grad_study.pairs import Cell
from drift_cli.studies.stop_grad_study.training import Tracked

Shown = dict[tuple[str, str], OfPaths]  # by dataset and paths

LOOKS = {  # colour, line and marker of each choice of paths, as in the figure of the mechanism
    "none": (DATA, "-", "o"),
    "query": (BLACK, ":", "^"),
    "samples": (GREEN, "--", "s"),
    "both": (MODEL, "-.", "x"),
}
TOLD = {
    "none": "none (stop-gradient)",
    "query": "query",
    "samples": "samples",
    "both": "both (no stop-gradient)",
}


def _titled(dataset: str) -> str:
    return dataset.replace("_", " ")


def _runs(shown: Shown) -> dict[tuple[str, str], list[Tracked]]:
    return {key: list(each.runs.values()) for key, each in shown.items()}


def kernel_title(kernel: str, bandwidth: float) -> str:
    return f"{kernel_name(kernel)} kernel, bandwidth {bandwidth:g}"


def norm_against_distance(shown: Shown, label: str, folder: Path, name: str) -> Path:
    """Figure 4: mean drift norm against SW-2, coloured by step, a thin line per seed, with the floors of both."""
    runs, datasets = _runs(shown), list(dict.fromkeys(dataset for dataset, _ in shown))
    every = [r for some in runs.values() for r in some]
    with style():
        told_paths = {paths: TOLD[paths] for paths in TOLD if (datasets[0], paths) in runs}
        figure, axes = panels(len(datasets), len(told_paths), 2.6, 2.6)
        norm = LogNorm(1, max(r.steps[-1] for r in every))
        for row, dataset in enumerate(datasets):
            here = axes[len(told_paths) * row : len(told_paths) * (row + 1)]
            for axis, paths in zip(here, told_paths, strict=True):
                own = runs[dataset, paths]
                size = 14 if len(own) < 5 else 7
                for r in own:
                    axis.plot(r.drift_norm, r.sw, color="#BBBBBB", linewidth=0.6, zorder=1)
                    dots = axis.scatter(r.drift_norm, r.sw, size, c=r.steps, norm=norm, cmap="cividis", zorder=2,
                                        edgecolors="none")  # fmt: skip
                axis.axhline(float(np.mean([r.sw_floor for r in own])), color=FLOOR, linestyle="--", linewidth=0.9)
                axis.axvline(float(np.mean([r.norm_floor for r in own])), color=FLOOR, linestyle=":", linewidth=1.1)
                correlation = shown[dataset, paths].correlation
                told = "" if correlation is None else f"\nr = {correlation.value:.2f}".replace("-", "−")
                axis.set(xscale="log", yscale="log", title=f"{TOLD[paths]}{told}")
                if row == len(datasets) - 1:
                    axis.set_xlabel("mean drift norm |V| (length)")
            here[0].set_ylabel(f"{_titled(dataset)}\nSW-2 to the target (length)")
            _share_limits(here, [r for (d, _), some in runs.items() if d == dataset for r in some])
        figure.colorbar(dots, ax=axes, label="training step", shrink=0.7, pad=0.01)
        handles = [
            Line2D([], [], color=FLOOR, linestyle="--", label="SW-2 of two samples of the target"),
            Line2D([], [], color=FLOOR, linestyle=":", label="drift norm at q = p with the same batch"),
            Line2D(
                [], [], color="#BBBBBB", marker="o", markerfacecolor="#555555", markersize=3, label="one run per seed"
            ),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles) if len(told_paths) > 2 else 1)
        figure.suptitle(f"Figure 4: drift norm against distance, {label}", fontsize=9)
        return save(figure, folder, name)


def _share_limits(axes: list, runs: list[Tracked]) -> None:
    """One range for the panels of a dataset, so that they can be compared."""
    norms = np.concatenate([[*r.drift_norm, r.norm_floor] for r in runs])
    distances = np.concatenate([[*r.sw, r.sw_floor] for r in runs])
    for axis in axes:
        axis.set_xlim(norms.min() / 1.3, norms.max() * 1.3)
        axis.set_ylim(distances.min() / 1.3, distances.max() * 1.3)
        _plain(axis.xaxis)
        _plain(axis.yaxis)


def _plain(axis: Axis) -> None:
    """Label a logarithmic axis at 1, 2 and 5 of every decade, in plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(labelsize=7)


def landscape(runs: dict[str, Tracked], dataset: str, label: str, folder: Path, name: str) -> Path:
    """Figure 3: loss (above) and SW-2 (below) on each run's own plane, with its trajectory."""
    planes = {paths: r.plane for paths, r in runs.items() if r.plane is not None}
    floor = float(np.mean([r.sw_floor for r in runs.values()]))
    with style():
        figure, axes = panels(2, len(planes), 2.7, 2.6)
        for row, (what, told) in enumerate((("loss", "loss E|V|² (length²)"), ("sw", "SW-2 / floor"))):
            scale = 1.0 if what == "loss" else 1 / floor
            values = {paths: getattr(plane, what) * scale for paths, plane in planes.items()}
            low, high = (float(end([end(v) for v in values.values()])) for end in (np.min, np.max))
            norm, levels = LogNorm(low, high), np.geomspace(low, high, 24)
            here = axes[row * len(planes) : (row + 1) * len(planes)]
            for axis, (paths, plane) in zip(here, planes.items(), strict=True):
                image = axis.contourf(plane.x, plane.y, values[paths], levels=levels, norm=norm, cmap="cividis")
                axis.contour(plane.x, plane.y, values[paths], levels=levels[::3], colors="black", linewidths=0.3)
                x, y = plane.trajectory.T
                axis.plot(x, y, color="black", linewidth=2.2)
                axis.plot(x, y, color="white", linewidth=1.0)
                axis.plot(*plane.trajectory[0], marker="o", color="white", markeredgecolor="black", markersize=6)
                axis.plot(*plane.trajectory[-1], marker="*", color="white", markeredgecolor="black", markersize=11)
                least = np.unravel_index(values[paths].argmin(), values[paths].shape)
                axis.plot(plane.x[least[1]], plane.y[least[0]], marker="X", color=MODEL, markeredgecolor="white",
                          markersize=7, clip_on=False, zorder=5)  # fmt: skip
                axis.grid(visible=False)
                if row == 0:
                    axis.set_title(f"{TOLD[paths]}\n{plane.shares.sum():.0%} of the gradients' variance")
                else:
                    axis.set_xlabel("1st direction (weights)")
            here[0].set_ylabel("2nd direction (weights)")
            bar = figure.colorbar(image, ax=here, label=told, pad=0.01)
            bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            bar.ax.yaxis.set_major_formatter("{x:.3g}")
        handles = [
            Line2D([], [], color="white", marker="o", markeredgecolor="black", label="first weights, projected"),
            Line2D([], [], color="white", marker="*", markersize=11, markeredgecolor="black", label="last weights"),
            Line2D([], [], color="white", marker="X", markersize=8, markerfacecolor=MODEL, label="least value drawn"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3 if len(planes) > 2 else 2)
        figure.suptitle(
            f"Figure 3: {_titled(dataset)}, {label}.\nAs functions of the weights the losses are equal:\n"
            "only their gradients differ, and with them each run's plane.",
            fontsize=9,
        )
        return save(figure, folder, name)


def curves(found: Shown, label: str, folder: Path, name: str) -> Path:
    """Drift norm, SW-2, spread and uncovered share over training; a thin line per seed."""
    runs, datasets = _runs(found), list(dict.fromkeys(dataset for dataset, _ in found))
    shown = (
        ("drift_norm", "mean drift norm |V| (length)", "log"),
        ("sw", "SW-2 to the target (length)", "log"),
        ("spread", "spread / target's", "linear"),
        ("uncovered", "uncovered share", "linear"),
    )
    with style():
        figure, axes = panels(len(datasets), 4, 2.7, 2.5)
        for row, dataset in enumerate(datasets):
            for axis, (what, told, scale) in zip(axes[4 * row : 4 * row + 4], shown, strict=True):
                for paths, (colour, line, marker) in LOOKS.items():
                    if (dataset, paths) not in runs:
                        continue
                    for k, r in enumerate(runs[dataset, paths]):
                        axis.plot(r.steps, getattr(r, what), color=colour, linestyle=line, marker=marker, markersize=3,
                                  markevery=0.15, linewidth=1.1, label=TOLD[paths] if k == 0 else None)  # fmt: skip
                r = runs[dataset, "none"][0]
                floors = {"drift_norm": r.norm_floor, "sw": r.sw_floor, "spread": 1.0, "uncovered": 0.01}
                axis.axhline(floors[what], color=FLOOR, linewidth=0.9, linestyle=(0, (1, 1)), label="at the target")
                axis.set(xscale="log", yscale=scale, ylabel=told)
                if scale == "log":
                    _plain(axis.yaxis)
                if row == len(datasets) - 1:
                    axis.set_xlabel("training step")
                axis.set_title(_titled(dataset))
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5)
        figure.suptitle(f"gradient_paths, {label}", fontsize=9)
        return save(figure, folder, name)


def samples(found: Shown, label: str, folder: Path, name: str) -> Path:
    """The target and what each choice of paths generates at the end, for the first seed."""
    runs, datasets = _runs(found), list(dict.fromkeys(dataset for dataset, _ in found))
    with style():
        told_paths = {paths: TOLD[paths] for paths in TOLD if (datasets[0], paths) in runs}
        width = 1 + len(told_paths)
        figure, axes = panels(len(datasets), width, 1.9, 2.1)
        for row, dataset in enumerate(datasets):
            here = axes[width * row : width * (row + 1)]
            data = runs[dataset, "none"][0].data
            shown = {"target": (data, DATA)} | {TOLD[p]: (runs[dataset, p][0].samples, MODEL) for p in told_paths}
            limit = 1.25 * np.abs(data).max()
            for axis, (title, (points, colour)) in zip(here, shown.items(), strict=True):
                axis.scatter(data[:, 0], data[:, 1], s=1, color="#D5D5D5", linewidths=0, rasterized=True)
                axis.scatter(points[:, 0], points[:, 1], s=2.5, color=colour, linewidths=0, rasterized=True)
                outside = float((np.abs(points) > limit).any(axis=1).mean())
                if outside > 0.005:
                    axis.text(0.5, 0.02, f"{outside:.0%} outside", transform=axis.transAxes, ha="center", fontsize=7)
                axis.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", title=title)
                axis.set_xlabel("x₁ (length)")
            here[0].set_ylabel(f"{_titled(dataset)}\nx₂ (length)")
        figure.suptitle(f"samples at the end, {label}; the target in grey", fontsize=9)
        return save(figure, folder, name)


def pairs(cells: list[Cell], folder: Path) -> Path:
    """SW-2 of `samples` over that of `none`: every seed, and the geometric mean, per setting."""
    with style():
        figure, axes = panels(1, 1, 6.4, 1.2 + 0.26 * len(cells))
        places = np.arange(len(cells))[::-1]
        for place, cell in zip(places, cells, strict=True):
            for ratio, run in zip(cell.samples_over_none.ratios, cell.runs, strict=True):
                axes[0].plot(ratio, place, color=MODEL if run.collapsed else DATA, markersize=5, linestyle="none",
                             marker="x" if run.collapsed else "o", markerfacecolor="none")  # fmt: skip
            axes[0].plot(cell.samples_over_none.value, place, color="black", marker="|", markersize=13)
        axes[0].set_yticks(places, [_setting(cell) for cell in cells])
        axes[0].axvline(1, color="black", linewidth=0.9)
        axes[0].set(xscale="log", xlabel="SW-2 of `samples` / SW-2 of `none`, paired by seed")
        _plain(axes[0].xaxis)
        handles = [
            Line2D([], [], color=DATA, marker="o", markerfacecolor="none", linestyle="none", label="one seed"),
            Line2D([], [], color=MODEL, marker="x", linestyle="none", label="one seed, collapsed"),
            Line2D([], [], color="black", marker="|", markersize=11, linestyle="none", label="geometric mean"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
        return save(figure, folder, "pairs")


def samples_alone(cells: list[Cell], folder: Path) -> Path:
    """What `samples` generates at every setting: of its first collapsed run if there is one, else of the first."""
    columns = min(4, len(cells))
    with style():
        figure, axes = panels(-(-len(cells) // columns), columns, 2.1, 2.3)
        for axis in axes[len(cells) :]:
            axis.set_visible(False)
        for axis, cell in zip(axes, cells, strict=False):
            run = next((run for run in cell.runs if run.collapsed), cell.runs[0])
            limit = 1.25 * np.abs(run.data).max()
            axis.scatter(run.data[:, 0], run.data[:, 1], s=1, color="#D5D5D5", linewidths=0, rasterized=True)
            axis.scatter(run.samples[:, 0], run.samples[:, 1], s=2.5, color=MODEL, linewidths=0, rasterized=True)
            axis.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="x₁ (length)")
            axis.set_ylabel("x₂ (length)")
            told = f"{sum(run.collapsed for run in cell.runs)} of {len(cell.runs)} seeds collapsed"
            axis.set_title("\n".join([*_setting(cell).split(", ", 1), told]), fontsize=7.5)
        figure.suptitle("gradient_paths=samples: the first collapsed run of each setting, else the first", fontsize=9)
        return save(figure, folder, "samples_alone")


def _setting(cell: Cell) -> str:
    """Target, kernel with its bandwidth, and batch, short enough for a row and for a panel."""
    case = cell.setting
    kernel = kernel_name(case.kernel)
    return f"{_titled(case.dataset)}, {kernel} {case.bandwidth:g}, batch {case.batch_size}"
