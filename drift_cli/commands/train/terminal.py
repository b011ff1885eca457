"""What a run prints before and after the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from drift_cli.abilities import abilities
from drift_cli.commands.train.blind import blind
from drift_cli.data import Target
from drift_cli.metrics.marginals import HEADINGS, Marginal
from drift_cli.training.settings import TrainConfig

_ROWS = 30  # marginals printed
_FIGURES = (
    "samples", "images", "classes", "nearest", "guidance", "interpolation", "quality", "marginals", "evolution",
    "curves",
)  # fmt: skip
_JUDGED = (
    ("accuracy (judge's own)", "accuracy", ".3f"),
    ("… of the worst class", "accuracy_worst", ".3f"),
    ("accuracy by SVM (its own)", "accuracy_svm", ".3f"),
    ("class histogram, p", "class_p", ".3g"),
    ("Fréchet distance", "frechet", ".3g"),
    ("energy distance", "energy", ".3g"),
    ("precision", "precision", ".3f"),
    ("recall", "recall", ".3f"),
    ("density", "density", ".3f"),
    ("coverage", "coverage", ".3f"),
    ("spread within classes", "spread", ".3f"),
    ("nearest-neighbour ratio", "neighbour_ratio", ".3f"),
    ("nearest is a training image, pixels", "pref_pixels", ".3f"),
    ("… in features", "pref_features", ".3f"),
    ("mode error", "mode_error", ".4f"),
    ("variance on the modes", "mode_variance", ".3f"),
    ("covariance error on the modes", "mode_covariance_error", ".3f"),
)


def headline(config: TrainConfig, size: int | None, device: str, folder: Path) -> str:
    """One line: what is trained on what, and where it goes."""
    points = f" ({size:,} points)" if size else ""
    return (
        f"drift train: {config.dataset.name}{points}, {_operator(config)}, {config.generator.name}, "
        f"seed {config.seed}, {device} → {folder}"
    )


def of_encoder(report: dict[str, Any]) -> str:
    """One line: what the features are of, each number under its name."""
    told = (f"{name} {value:,}" if isinstance(value, int) else f"{name} {value:.3g}" for name, value in report.items()
            if value is not None)  # fmt: skip
    return f"encoder: {', '.join(told)}"


def notes(target: Target) -> list[str]:
    """What was read of a user's file, and a warning for each guess."""
    read, *guesses = getattr(target, "notes", ()) or ("",)
    return [line for line in (read, *(f"warning: {guess}" for guess in guesses)) if line]


def of_space(name: str, dimension: int, report: dict[str, Any]) -> str:
    """One line: what the drift sees in place of the points, as it was learned or kept, and how much that loses."""
    how = "kept" if report["kept"] else f"trained in {report['seconds']:.0f} s"
    unseen = f" (held out {report['error_held_out']:.3f})" if "error_held_out" in report else ""
    return (
        f"space: {name}, {dimension} → {report['dimension']} codes, {report['parameters']:,} parameters, {how}, "
        f"reconstruction error {report['error']:.3f}{unseen} of the data's spread"
    )


def _operator(config: TrainConfig) -> str:
    """The drift with the scales that count for it: the kernel's bandwidth where it uses one, ε where it has one."""
    operator = config.drift.made()
    parts = [getattr(operator, "told", config.drift.name)]
    if abilities(operator).uses_kernel:
        parts.insert(0, f"{config.kernel.name} kernel σ₀ = {config.kernel.made().bandwidth:g}")
    if (epsilon := getattr(operator, "epsilon", None)) is not None:
        parts.append(f"ε = {epsilon:g}")
    return ", ".join(parts)


def closing(console: Console, summary: dict[str, Any], table: list[Marginal], folder: Path) -> None:
    """The final numbers, each with its floor, and the paths of all outputs."""
    numbers = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "value", "floor", "ratio"):
        numbers.add_column(heading, justify="left" if not heading else "right")
    for name, key in (("SW-2", "sw"), ("SW-2, large", "sw_large"), ("drift norm", "drift_norm")):
        value, floor = summary[key], summary[f"{key}_floor"]
        if value is not None:
            ratio = f"{value / floor:.2f}" if floor > 0 else "–"
            sd = summary[f"{key}_sd"]
            spread = "" if sd is None else f" ± {sd:.4f}"
            numbers.add_row(name, f"{value:.4f}{spread}", f"{floor:.4f}", ratio)
    for name, key, format in _JUDGED:
        if (value := summary.get(key)) is not None:
            floor, sd = summary[f"{key}_floor"], summary.get(f"{key}_floor_sd")
            beside = f"{floor:{format}}" + ("" if sd is None else f" ± {sd:{format}}")
            numbers.add_row(name, f"{value:{format}}", beside, f"{value / floor:.2f}" if floor else "–")
    console.print(numbers)
    if line := blind(summary):
        console.print(f"note: {line}", style="yellow", highlight=False, soft_wrap=True)
    if table:
        console.print(_marginals(table))
        if len(table) > _ROWS:
            console.print(f"… and {len(table) - _ROWS} more columns")
    if summary["collapsed"]:
        warn(console, "collapsed: the trained generator outputs (nearly) a single point")
    if capped := summary.get("sinkhorn_capped_steps"):
        warn(
            console,
            f"Sinkhorn stopped at its cap in {capped:,} of {summary['steps']:,} steps, with a marginal error "
            f"of up to {summary['marginal_error']:.2g}: raise drift.max_iter or drift.epsilon",
        )
    console.print(
        f"{summary['steps']:,} steps, {summary['steps_per_second']:.1f} steps/s, {summary['seconds']:.0f} s in total",
        highlight=False,
    )
    for name in _FIGURES:
        if figure := summary.get(f"figure_{name}"):
            console.print(f"{folder / figure}", highlight=False, soft_wrap=True)
    console.print(f"{folder / 'summary.json'}", highlight=False, soft_wrap=True)


def warn(console: Console, told: str) -> None:
    console.print(f"warning: {told}", style="yellow", highlight=False, soft_wrap=True)


def _marginals(table: list[Marginal]) -> Table:
    shown = Table(title="marginals: data | generated", title_justify="left", box=None, pad_edge=False)
    shown.add_column("column")
    for heading in HEADINGS:
        shown.add_column(heading, justify="right")
    for marginal in table[:_ROWS]:
        pairs = zip(marginal.data, marginal.generated, strict=True)
        shown.add_row(marginal.column, *(f"{data:.4g} | {generated:.4g}" for data, generated in pairs))
    return shown
