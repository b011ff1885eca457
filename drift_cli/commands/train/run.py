"""`drift train`: train a one-step generator by drifting, and write a run folder with its quality."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from torch import Tensor

from drift_cli import config as configs
from drift_cli import trackers
from drift_cli.commands.train import seeds, terminal
from drift_cli.commands.train.judged import Judged
from drift_cli.commands.train.points import measured
from drift_cli.config.flat import flat as flat_settings
from drift_cli.console import make as make_console
from drift_cli.data import Finite
from drift_cli.errors import UserError
from drift_cli.figures import curves, images, samples
from drift_cli.figures import marginals as marginal_figure
from drift_cli.figures.attempts import Drawing, each_drawn
from drift_cli.files import write_json
from drift_cli.generator import cost
from drift_cli.judging import ImageQuality
from drift_cli.learned import Shelf
from drift_cli.memory import counted_by
from drift_cli.metrics.marginals import Marginal, marginals
from drift_cli.metrics.sliced_wasserstein import Distance
from drift_cli.metrics.spread import is_collapsed, spread
from drift_cli.ranks import torchrun
from drift_cli.runs import provenance
from drift_cli.runs.folder import RunFolder
from drift_cli.trackers import check_installed
from drift_cli.training import checkpoint, processes
from drift_cli.training.evaluation import Mean, comparable_points, distance, drift_norms, floor_alone, generate
from drift_cli.training.loop import fit
from drift_cli.training.progress import Progress
from drift_cli.training.settings import TrainConfig
from drift_cli.training.setup import Setup, assemble
from drift_cli.training.stop import stop_on_signal

_NORM_DRAWS = 8


@dataclass(frozen=True)
class Result:
    """What a finished run measured; distances are of the averaged weights."""

    sw: Distance
    sw_large: Distance | None
    drift_norm: Mean
    drift_norm_floor: Mean
    collapsed: bool
    marginals: list[Marginal]
    quality: ImageQuality | None  # of images that are judged
    beside: dict[str, float | None]  # of points: what is measured beside the sliced distance


def run(config: TrainConfig, path: Path) -> Result | dict[str, float] | None:
    """Train (or resume training) in the run folder `path`, then measure, plot and write the summary.

    With `seeds` in a folder below for each; the summary has the means of their numbers. None in the processes of
    torchrun that only share its batches.
    """
    if torchrun.rank():  # the first process prepares, writes and measures
        processes.join_torchrun()
        return None
    check_installed(config.tracker)
    return seeds.each(config, path, _one) if config.seeds else _one(config, path)


def _one(config: TrainConfig, path: Path) -> Result:
    console, began = make_console(), time.perf_counter()
    folder = RunFolder.start(path) if config.resume is None else RunFolder.containing(config.resume)
    with folder.locked():  # before anything in it is touched
        shelf, begun = Shelf(folder.learned, others=folder.learned_beside), checkpoint.existing(folder.checkpoints)
        with console.status("preparing …"):
            setup = assemble(config, shelf, closed=bool(begun))
        processes.check(setup)
        if config.resume is None:
            state = checkpoint.State(0, 0.0, config.seed, setup.target.space)
        else:
            state = _resume(setup, folder, Path(config.resume), console)
        configs.save(setup.config, folder.config)
        return _train(setup, folder, state, console, began)


def _train(setup: Setup, folder: RunFolder, state: checkpoint.State, console: Console, began: float) -> Result:
    config = setup.config
    origin = provenance.at_start("train", config.seed, setup.device)
    if config.resume:  # the first start stays what it was; every later one is added
        origin = provenance.resumed(folder.provenance, origin, from_step=state.step)
    write_json(folder.provenance, origin)
    folder.summary.unlink(missing_ok=True)
    folder.rewind_metrics(state.step)
    console.print(
        terminal.headline(config, setup.target.size, str(setup.device), folder.path), highlight=False, soft_wrap=True
    )
    assert config.space is not None
    if setup.codec.report:
        about = terminal.of_space(config.space.name, setup.target.space.dimension, setup.codec.report)
        console.print(about, highlight=False, soft_wrap=True)
    for line in [*terminal.notes(setup.target), *([setup.told] if setup.told else [])]:
        console.print(line, highlight=False, soft_wrap=True)
    encoder = getattr(setup.drift, "report", {})
    if encoder:
        console.print(terminal.of_encoder(encoder), highlight=False, soft_wrap=True)
    price = cost(setup.model, setup.device, len(setup.target.space.class_frequencies or ()))
    console.print(f"{config.generator.name}: {price}", highlight=False, soft_wrap=True)

    start = trackers.Start(folder.path, flat_settings(config), origin.get("git_commit"), state.step)
    tracker = trackers.opened(
        config.tracker, start, lambda told: console.print(f"warning: {told}", style="yellow", soft_wrap=True)
    )
    folder = replace(folder, listener=tracker.log if tracker else None)

    judges = Judged.of(setup, Shelf(folder.learned, others=folder.learned_beside))
    if judges:
        console.print(judges.told, highlight=False, soft_wrap=True)
    with counted_by("evaluation.points", config.evaluation.points, ", or evaluation.projections"):
        floor = floor_alone(setup, config.evaluation.points, config.evaluation.draws, "floor").value
    with (
        stop_on_signal() as stop,
        processes.shared(setup, folder),
        Progress.running(console, config.steps, state.step, setup.drift) as progress,
    ):
        reached = fit(setup, folder, state, floor, progress, stop, judges.glance if judges else None)
        shared = setup.ranks.told(reached.step - state.step)
    if reached.step < config.steps:
        console.print(f"stopped after step {reached.step}; to resume: drift train resume={folder.path}", soft_wrap=True)
        raise KeyboardInterrupt

    try:
        with console.status("measuring …"):
            result = measure(setup, judges)
        with console.status("drawing …"):
            drawn = each_drawn(_drawings(setup, judges, folder, result), partial(terminal.warn, console))
    except KeyboardInterrupt:
        console.print(f"stopped after training; to measure and plot: drift train resume={folder.path}", soft_wrap=True)
        raise
    rows = folder.read_metrics()
    rate = (reached.step - state.step) / max(reached.seconds - state.seconds, 1e-9)
    summary = {
        **flat(result),
        "loss": rows[-1]["loss"],
        **_transport(rows),
        "steps": reached.step,
        "steps_per_second": rate,
        "seconds": state.seconds + time.perf_counter() - began,
        "training_seconds": reached.seconds,
        **shared,
        "seed": config.seed,
        **{f"encoder_{name}": value for name, value in encoder.items()},
        "generator_parameters": price.parameters,
        "generator_multiply_adds": price.multiply_adds,
        "space": config.space.name,
        **{f"space_{name}": value for name, value in setup.codec.report.items()},
        **{f"space_{name}": value for name, value in (judges.limit if judges else {}).items()},
        "checkpoint": str(checkpoint.existing(folder.checkpoints)[-1].relative_to(folder.path)),
        **{f"figure_{name}": str(figure.relative_to(folder.path)) for name, figure in drawn.items()},
    }
    write_json(folder.provenance, origin | provenance.at_end(setup.device, summary["seconds"]))
    write_json(folder.summary, summary)
    if tracker:
        tracker.finish(reached.step, summary, drawn)
    terminal.closing(console, summary, result.marginals, folder.path)
    return result


def _resume(setup: Setup, folder: RunFolder, place: Path, console: Console) -> checkpoint.State:
    """Load the checkpoint `place`, or the latest of the run; a run that has none yet starts again."""
    if place == folder.path:
        kept = checkpoint.existing(folder.checkpoints)
        if not kept:
            console.print(f"{folder.path} has no checkpoint yet: starting again from step 0", soft_wrap=True)
            return checkpoint.State(0, 0.0, setup.config.seed, setup.target.space)
        place = kept[-1]
    with checkpoint.offering_previous(place, "resume"):
        state = checkpoint.read_state(place)
    _check_data(setup, folder, place, state)  # no earlier checkpoint would mend that, or what comes next
    checkpoint.check_codec(setup.codec, place, state)
    with checkpoint.offering_previous(place, "resume"):
        checkpoint.restore(setup, place, state)
    if state.step > setup.config.steps:
        raise UserError(
            f"steps must be at least {state.step}, the step of {place}, got {setup.config.steps}: raise it, or resume "
            "from an earlier checkpoint."
        )
    if state.step == setup.config.steps and folder.is_finished:
        raise UserError(
            f"The run in {folder.path} has finished all its {state.step} steps: give a larger steps= to train further."
        )
    for aside in checkpoint.set_aside_later(folder.checkpoints, state.step):
        console.print(f"a later checkpoint is set aside: {aside}", highlight=False, soft_wrap=True)
    checkpoint.forget_older(folder.checkpoints, state.step, setup.config.checkpoint.keep)  # a disk was full then
    for file in folder.samples.glob("step_*.npy"):
        if int(file.stem.split("_")[1]) > state.step:
            file.unlink()  # samples for the figures, which the run draws again when it gets there
    return state


def _check_data(setup: Setup, folder: RunFolder, place: Path, state: checkpoint.State) -> None:
    """Raise `UserError` where the data is not what the checkpoint was trained on, wherever it lies by now."""
    before = configs.load(folder.config, TrainConfig)
    now, then = (getattr(config.dataset, "path", None) for config in (setup.config, before))
    content = getattr(setup.target, "content", "")
    same_space = state.space.agrees_with(setup.target.space)
    if same_space and (content == state.data or (not state.data and now == then)):
        return
    if same_space and not state.data:
        raise UserError(
            f"{place} does not record its data (an earlier version wrote it), so {now} cannot be compared: "
            f"put the data back at {then}."
        )
    changed = "its values or their order have changed" if same_space else "its columns or their scale have changed"
    raise UserError(
        f"The data is not the data that {place} was trained on: {changed}. Put the old data back, give its new place "
        "with dataset.path=…, or start a new run."
    )


def measure(setup: Setup, judges: Judged | None = None) -> Result:
    """Everything the summary says of the trained generator."""
    evaluation, space = setup.config.evaluation, setup.target.space
    sw = distance(setup, evaluation.points, evaluation.draws, "final")
    large = None
    endless = setup.target.size is None and comparable_points(setup, evaluation.large_points) == evaluation.large_points
    if evaluation.large_points and endless:
        with counted_by("evaluation.large_points", evaluation.large_points, ", or evaluation.projections"):
            large = distance(setup, evaluation.large_points, evaluation.draws, "final", step=1)
    norm, norm_floor = drift_norms(setup, _NORM_DRAWS, setup.config.steps)
    count = min(setup.target.size or 10_000, 10_000)
    data = setup.real(count, "final", 2_000_000).points
    generated = generate(setup, count, setup.stream("final", 2_000_001))
    table = []
    if not space.image and isinstance(setup.target, Finite):
        table = marginals(space.columns, _units(setup, data), _units(setup, generated))
    quality, beside = judges.quality() if judges else None, {} if space.image else measured(setup)
    return Result(sw, large, norm, norm_floor, is_collapsed(generated, spread(data)), table, quality, beside)


def flat(result: Result) -> dict[str, Any]:
    """The result as one flat object."""
    large = result.sw_large
    return {
        "sw": result.sw.value,
        "sw_sd": result.sw.value_sd,
        "sw_floor": result.sw.floor,
        "sw_floor_sd": result.sw.floor_sd,
        "sw_large": large.value if large else None,
        "sw_large_sd": large.value_sd if large else None,
        "sw_large_floor": large.floor if large else None,
        "sw_large_floor_sd": large.floor_sd if large else None,
        "drift_norm": result.drift_norm.value,
        "drift_norm_sd": result.drift_norm.sd,
        "drift_norm_floor": result.drift_norm_floor.value,
        "collapsed": result.collapsed,
        **result.beside,
        **(result.quality.flat() if result.quality else {}),
    }


def _transport(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Of a drift by Sinkhorn's iteration: its mean number of iterations, the steps in which it ended at its cap, and
    the worst marginal error of the run."""
    seen = [row for row in rows if "sinkhorn_iterations" in row]
    if not seen:
        return {}
    covered = np.diff([0, *(row["step"] for row in seen)])  # a row is of the steps since the one before
    keys = ("sinkhorn_iterations", "sinkhorn_self_iterations")
    means = {key: float(np.average([row[key] for row in seen], weights=covered)) for key in keys}
    return means | {
        "sinkhorn_capped_steps": sum(row["sinkhorn_capped_steps"] for row in seen),
        "marginal_error": max(row["marginal_error"] for row in seen),
    }


def _drawings(setup: Setup, judges: Judged | None, folder: RunFolder, result: Result) -> Iterator[Drawing]:
    """Every figure of the run."""
    space, rows = setup.target.space, folder.read_metrics()
    # Of a finite target the floor has half the points, and would not be that of the curve.
    norm_floor = result.drift_norm_floor.value if setup.target.size is None else None
    tol = None if setup.tally is None else setup.tally.tol
    yield "curves", lambda: curves.draw(rows, norm_floor, tol, bool(space.image), folder.figures)
    snapshots = {int(path.stem.split("_")[1]): np.load(path) for path in sorted(folder.samples.glob("step_*.npy"))}
    if space.image:
        shape, last = space.image, snapshots[max(snapshots)]
        real = _units(setup, setup.real(len(last), "snapshot", 1).points)
        yield "images", lambda: images.draw(last, real, shape, folder.figures)
        if judges and result.quality:
            yield from judges.figures(rows, result.quality, folder.figures).items()
    elif space.dimension >= 2:  # of more columns the first two
        target, few = _units(setup, setup.real(2000, "snapshot", 1).points), _spread_out(snapshots)
        yield "samples", lambda: samples.draw(few, target, space.columns, folder.figures)
        if setup.config.animate:
            yield "evolution", lambda: samples.animate(snapshots, target, space.columns, folder.figures)
    if result.marginals or (space.dimension != 2 and not space.image):
        data = _units(setup, setup.real(10_000, "snapshot", 2).points)
        generated = _units(setup, generate(setup, 10_000, setup.stream("snapshot", 3)))
        yield "marginals", lambda: marginal_figure.draw(space.columns, data, generated, folder.figures)


def _spread_out(snapshots: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """The first, the last and a few between on a logarithmic scale, of the snapshots there are."""
    steps = sorted(snapshots)
    wanted = {steps[-1] * share for share in (0.01, 0.03, 0.1, 0.3, 1.0)} | {0}
    chosen = sorted({min(steps, key=lambda step, w=want: abs(step - w)) for want in wanted})  # type: ignore[misc]
    return {step: snapshots[step] for step in chosen}


def _units(setup: Setup, x: Tensor) -> np.ndarray:
    return setup.target.space.to_units(x).detach().cpu().numpy()
