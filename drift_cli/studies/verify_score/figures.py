"""Figures of `drift verify-score`: fields (Figure 1), error against N, the estimator, ill-conditioning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drift_cli.figures.style import DATA, FLOOR, LINE_STYLES, MODEL, PALETTE, log_ticks, panels, save, style

if TYPE_CHECKING:
    from drift_cli.studies.numbers import Interval
    from drift_cli.studies.verify_score.estimator import Estimator, Tails
from drift_cli.studies.verify_score.samples import Fields, MonteCarlo

_MARKERS = "osD^vx"


def draw_fields(found: Fields, folder: Path) -> Path:
    """Empirical arrows, exact arrows, and the size of their difference at every point."""
    x, y = found.points.T
    side = round(len(x) ** 0.5)
    longest = np.quantile(np.linalg.norm(found.exact, axis=1), 0.95)
    difference = np.linalg.norm(found.empirical - found.exact, axis=1).reshape(side, side)
    with style():
        figure, axes = panels(1, 3, 3.1, 3.1)
        fields = ((f"from {found.samples:,} samples", found.empirical), ("exact", found.exact))
        for axis, (title, field) in zip(axes, fields, strict=False):
            axis.scatter(found.target[:, 0], found.target[:, 1], s=4, color=DATA, alpha=0.5, linewidths=0)
            lengths = np.linalg.norm(field, axis=1, keepdims=True)
            arrows = field * np.minimum(1, longest / np.maximum(lengths, 1e-300))  # the longest are cut
            axis.quiver(x, y, *arrows.T, color=MODEL, angles="xy", pivot="mid", scale=longest * side, width=0.004)
            axis.set_title(f"drift V, {title}")
        image = axes[2].pcolormesh(
            x.reshape(side, side), y.reshape(side, side), difference, cmap="cividis", shading="nearest", rasterized=True
        )
        axes[2].set_title(f"|difference|, σ = {found.bandwidth:g}")
        figure.colorbar(image, ax=axes[2], label="length", shrink=0.8)
        for axis in axes:
            axis.set_aspect("equal")
            axis.set_xlabel("x₁ (length)")
            axis.grid(False)
        axes[0].set_ylabel("x₂ (length)")
        figure.suptitle("arrows: the drift at each point; dots: samples of the target", fontsize=9)
        return save(figure, folder, "fields")


def draw_errors(found: MonteCarlo, exponent: Interval, folder: Path) -> Path:
    """Absolute and relative error against N, mean ± standard deviation over the repeats, and the slope −1/2."""
    mean, sd = found.errors.mean(axis=2), found.errors.std(axis=2, ddof=1)
    n = np.array(found.samples)
    with style():
        figure, axes = panels(1, 2, 3.6, 3.1)
        for b, bandwidth in enumerate(found.bandwidths):
            looks: dict[str, Any] = {
                "color": PALETTE[b % len(PALETTE)],
                "linestyle": LINE_STYLES[b % len(LINE_STYLES)],
                "marker": _MARKERS[b % len(_MARKERS)],
                "ms": 4,
                "capsize": 2,
            }
            axes[0].errorbar(n, mean[b], sd[b], label=f"σ = {bandwidth:g}", **looks)
            axes[1].errorbar(n, mean[b] / found.size[b], sd[b] / found.size[b], **looks)
        guide = mean.max() * 1.5 * (n / n[0]) ** -0.5
        axes[0].plot(n, guide, color=FLOOR, linestyle=":", label="slope −1/2")
        axes[1].axhline(1, color=FLOOR, linewidth=0.8)
        axes[0].set_ylabel("mean |V̂ − V| (length)")
        axes[1].set_ylabel("the same over mean |V|")
        told = f"exponent {exponent.value:.3f} [{exponent.low:.3f}, {exponent.high:.3f}]"
        axes[0].set_title(told.replace("-", "−"))
        axes[1].set_title("relative: |V| falls as σ²")
        for axis in axes:
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.set_xticks(n, labels=[f"{count:,}" for count in n], rotation=30)
            axis.minorticks_off()
            axis.set_xlabel("samples N")
            log_ticks(axis.yaxis)
        figure.legend(loc="outside upper center", ncols=len(found.bandwidths) + 1)
        return save(figure, folder, "errors")


def draw_estimator(found: Estimator, tails: Tails, folder: Path) -> Path:
    """Bias and spread against their prediction, with and without the query itself; and the tails."""
    with style():
        figure, axes = panels(1, 3, 3.2, 3.1)
        axes[0].errorbar(
            found.x, found.bias, 2 * found.bias_error, fmt="o", ms=4, capsize=2, color=DATA, label="excluded"
        )
        axes[0].plot(found.x, found.predicted_bias, color=DATA, linestyle="--", label="predicted, excluded")
        axes[0].plot(found.x, found.included_bias, "s-", ms=4, color=MODEL, label="query included")
        axes[0].set_ylabel("bias of M̂ (length)")
        axes[1].plot(found.x, found.rms, "o-", ms=4, color=DATA, label="excluded")
        predicted = np.sqrt(found.predicted_variance + found.predicted_bias**2)
        axes[1].plot(found.x, predicted, color=DATA, linestyle="--", label="predicted, excluded")
        axes[1].plot(found.x, found.included_rms, "s-", ms=4, color=MODEL, label="query included")
        axes[1].set_ylabel("rms error of M̂ (length)")
        axes[1].set_ylim(0, 1.15 * max(found.rms.max(), found.included_rms.max()))
        limit = 1.3 * max(np.abs(found.bias).max(), np.abs(found.included_bias).max())
        axes[0].set_ylim(-limit, limit)
        for axis in axes[:2]:
            axis.set_xlabel("query x (standard deviations)")
        for b, bandwidth in enumerate(tails.bandwidths):
            look: dict[str, Any] = {
                "color": PALETTE[b % len(PALETTE)],
                "linestyle": LINE_STYLES[b % len(LINE_STYLES)],
            }
            axes[2].errorbar(
                tails.radii, tails.error[b], tails.spread[b], marker=_MARKERS[b % len(_MARKERS)], ms=4, capsize=2,
                label=f"σ = {bandwidth:g}", **look,
            )  # fmt: skip
        axes[2].set_yscale("log")
        axes[2].set_xlabel("radius |x| (standard deviations)")
        axes[2].set_ylabel("relative error of M̂")
        axes[2].set_title("tails, N = 2,000")
        axes[2].legend(ncols=2)
        axes[0].set_title("N = 100, one dimension")
        axes[0].legend()
        return save(figure, folder, "estimator")


def draw_identifiability(columns: Mapping[str, np.ndarray], amplitude: float, folder: Path) -> Path:
    """sup|V| against the frequency of a difference whose total variation stays the same."""
    with style():
        figure, (axis,) = panels(1, 1, 4.6, 3.4)
        frequencies = columns["frequency"]
        for b, (name, values) in enumerate((n, v) for n, v in columns.items() if n != "frequency"):
            seen = values > 1e-30
            axis.plot(
                frequencies[seen], values[seen], color=PALETTE[b], linestyle=LINE_STYLES[b], marker=_MARKERS[b], ms=3,
                label=f"σ = {name.rsplit('_', 1)[1]}",
            )  # fmt: skip
        axis.axhline(2.2e-16, color=FLOOR, linewidth=0.8, linestyle=":", label="double precision")
        axis.set_yscale("log")
        axis.set_xlabel("frequency k of q − p")
        axis.set_ylabel("sup |V| (length)")
        axis.set_title(f"total variation {amplitude / np.pi:.3f} at every k")
        figure.legend(loc="outside upper center", ncols=2)
        return save(figure, folder, "identifiability")
