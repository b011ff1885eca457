"""The training loop: one function, top to bottom."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from drift_cli.errors import RunFailed
from drift_cli.files import write_array
from drift_cli.memory import counted_by
from drift_cli.metrics.spread import is_collapsed, spread
from drift_cli.runs.folder import RunFolder
from drift_cli.training import checkpoint
from drift_cli.training import step as steps
from drift_cli.training.evaluation import distance_alone, generate
from drift_cli.training.progress import Progress
from drift_cli.training.settings import TrainConfig
from drift_cli.training.setup import Setup
from drift_cli.training.stop import StopRequest

_QUERIES = 256  # rows over which the effective sample size is averaged
_LOOK_EVERY = 10  # steps on a GPU between looks at the loss: each one waits for the device


def fit(
    setup: Setup,
    folder: RunFolder,
    state: checkpoint.State,
    floor: float,
    progress: Progress,
    stop: StopRequest,
    glance: Callable[[int], dict[str, float]] | None = None,
) -> checkpoint.State:
    """Train from `state.step` to `config.steps`; returns where the run stands, earlier if it was asked to stop.

    `floor`, in units of SW-2, is logged with every distance, and so are the results of a `glance` at this step.

    Raises `RunFailed` at the first value that is not finite, naming the step, the tensor and the last checkpoint.
    """
    config = setup.config
    snapshots = snapshot_steps(config.steps, animate=config.animate)
    target_spread = spread(setup.data(4096, "floor", 0).points)
    began, seconds = time.perf_counter(), state.seconds
    step = state.step
    if step == 0:
        keep_snapshot(setup, folder, 0)

    advance = steps.build(setup)
    look_every = 1 if setup.device.type == "cpu" else _LOOK_EVERY

    while step < config.steps and not setup.ranks.any(stop.asked):
        with counted_by("batch_size", config.batch_size, ", or the size of the generator"):
            taken = advance(step)
        step += 1  # from here on: steps done
        measured = is_measured(config, step)
        samples = taken.samples() if measured else taken.x
        kept = step == config.steps or (config.checkpoint.every and step % config.checkpoint.every == 0)
        if not (measured or kept or step in snapshots or step % look_every == 0):
            continue
        if not bool(torch.isfinite(taken.loss)):
            tensors = {"data": taken.batch.points, "generated sample": taken.x, "drift": taken.drift}
            check_finite(step - 1, tensors | {"loss": taken.loss}, folder)
        if measured or kept or step in snapshots:
            check_finite(step, {name: weight.detach() for name, weight in setup.model.named_parameters()}, folder)
        seconds = state.seconds + time.perf_counter() - began
        numbers = {
            "step": step,
            "loss": float(taken.loss),
            "drift_norm": float(taken.drift_norm),
            "bandwidth": taken.kernel.bandwidth,
        }
        if setup.tally is not None:
            if told := setup.tally.complaint():
                progress.warn("drift", f"at step {step} {told}")
            numbers |= setup.tally.report() if measured else {}
        if measured:
            with counted_by("evaluation.points", config.evaluation.points, ", or evaluation.projections"):
                sw = distance_alone(setup, config.evaluation.points, 1, "evaluation", step).value
            some = slice(0, _QUERIES) if taken.labels is None else slice(None, None, len(samples) // _QUERIES or 1)
            labels = None if taken.labels is None else taken.labels[some]
            ess = setup.effective_sample_size(taken.kernel, samples[some], labels, taken.batch)
            rate = (step - state.step) / (seconds - state.seconds)
            numbers |= {"sw": sw, "sw_floor": floor, "effective_sample_size": ess}
            numbers |= glance(step) if glance else {}
            check_finite(step, {name: torch.tensor(number) for name, number in numbers.items()}, folder)
            folder.append_metrics(numbers | {"steps_per_second": rate, "seconds": seconds})
            if is_collapsed(samples, target_spread):
                progress.warn("collapsed", f"collapsed: at step {step} the generator outputs (nearly) a single point")
        progress.show(numbers)
        if step in snapshots:
            keep_snapshot(setup, folder, step)
        if kept:
            checkpoint.save(setup, folder.checkpoints, stands(setup, step, seconds, folder))

    reached = stands(setup, step, seconds, folder)
    if step < config.steps:  # asked to stop
        checkpoint.save(setup, folder.checkpoints, reached)
    return reached


def follow(setup: Setup, start: int, stop: StopRequest) -> None:
    """The other processes of a run: the same steps, and what the first one asks of them; they write nothing."""
    advance = steps.build(setup)
    for step in range(start, setup.config.steps):
        if setup.ranks.any(stop.asked):
            return
        taken = advance(step)
        if is_measured(setup.config, step + 1):
            taken.samples()


def is_measured(config: TrainConfig, step: int) -> bool:
    """Whether the distance is measured after so many steps."""
    return step % config.evaluation.every == 0 or step in (1, config.steps)


def stands(setup: Setup, step: int, seconds: float, folder: RunFolder) -> checkpoint.State:
    """Where the run stands. Raises `RunFailed` where a number of it is not finite."""
    pending = {} if setup.tally is None else setup.tally.pending()
    for part, tensors in checkpoint.kept_tensors(setup).items():
        check_finite(step, {f"{part}'s {name}": tensor for name, tensor in tensors.items()}, folder)
    check_finite(step, {name: torch.tensor(number) for name, number in pending.items()}, folder)
    data = getattr(setup.target, "content", "")
    return checkpoint.State(step, seconds, setup.config.seed, setup.target.space, pending, setup.codec.marks, data)


def snapshot_steps(steps: int, *, animate: bool) -> set[int]:
    """The steps whose samples are kept: a few on a logarithmic scale, or every frame of an animation."""
    kept = {round(steps * share) for share in (0.01, 0.03, 0.1, 0.3, 1.0)}
    if animate:
        kept |= {round(steps * (frame / 60) ** 2) for frame in range(61)}  # early changes are the fast ones
    return kept


def keep_snapshot(setup: Setup, folder: RunFolder, step: int) -> None:
    """Write samples at this step, in the data's units, for the figures."""
    space = setup.target.space
    count = 64 if space.image else 2000
    samples = space.to_units(generate(setup, count, setup.stream("snapshot", 0)))
    folder.samples.mkdir(exist_ok=True)
    write_array(folder.samples / f"step_{step:08d}.npy", samples.cpu().numpy().astype(np.float32))


def check_finite(step: int, tensors: dict[str, torch.Tensor], folder: RunFolder) -> None:
    """Raise `RunFailed` naming the first tensor that is not finite, and the last checkpoint."""
    for name, tensor in tensors.items():
        if bool(torch.isfinite(tensor).all()):
            continue
        kept = checkpoint.last_sound(folder.checkpoints)
        last = f"the last good checkpoint is {kept}" if kept else "there is no checkpoint yet"
        raise RunFailed(
            f"At step {step} the {name} was not finite and the run stopped; {last}. A lower optimizer.lr or a larger "
            "kernel.bandwidth often helps."
        )
