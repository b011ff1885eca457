"""The training loop: one function, top to bottom."""

from __future__ import annotations

import time

import numpy as np
import torch

from drift_cli.errors import RunFailed
from drift_cli.metrics.effective_sample_size import effective_sample_size
from drift_cli.metrics.sliced_wasserstein import Distance
from drift_cli.metrics.spread import is_collapsed, spread
from drift_cli.runs.folder import RunFolder
from drift_cli.training import checkpoint, ema
from drift_cli.training.bench import Bench
from drift_cli.training.evaluation import distance, generate
from drift_cli.training.loss import stop_gradient_loss
from drift_cli.training.optimizer import learning_rate
from drift_cli.training.progress import Progress
from drift_cli.training.stop import StopRequest

_QUERIES = 256  # rows over which the effective sample size is averaged


def fit(
    bench: Bench, folder: RunFolder, state: checkpoint.State, floor: Distance, progress: Progress, stop: StopRequest
) -> checkpoint.State:
    """Train from `state.step` to `config.steps`; returns where the run stands, earlier if it was asked to stop.

    Raises `RunFailed` at the first value that is not finite, naming the step, the tensor and the last checkpoint.
    """
    config, target = bench.config, bench.target
    snapshots = snapshot_steps(config.steps, animate=config.animate)
    target_spread = spread(bench.data(4096, "floor", 0).points)
    began, seconds = time.perf_counter(), state.seconds
    step = state.step
    if step == 0:
        keep_snapshot(bench, folder, 0)

    while step < config.steps and not stop.asked:
        kernel = bench.kernel_at(step)
        batch = bench.data(config.batch_size, "data", step)
        labels = bench.labels_like(batch, config.batch_size, step)

        x = bench.model.sample(config.batch_size, bench.stream("noise", step), labels)
        with torch.no_grad():
            drift = bench.field(kernel, x.detach(), labels, batch)
        loss = stop_gradient_loss(x, drift)
        if not bool(torch.isfinite(loss)):
            raise _not_finite(step, {"data": batch.points, "generated sample": x, "drift": drift, "loss": loss}, folder)

        bench.optimizer.zero_grad(set_to_none=True)
        (bench.model.loss_scale(len(x)) * loss).backward()
        for group in bench.optimizer.param_groups:
            group["lr"] = learning_rate(config.optimizer, step, config.steps)
        bench.optimizer.step()
        if bench.average is not bench.model:
            ema.update(bench.average, bench.model, config.ema.decay, step)

        step += 1  # from here on: steps done
        seconds = state.seconds + time.perf_counter() - began
        numbers = {
            "step": step,
            "loss": float(loss.detach()),
            "drift_norm": float(drift.norm(dim=1).mean()),
            "bandwidth": kernel.bandwidth,
        }
        if step % config.evaluation.every == 0 or step in (1, config.steps):
            sw = distance(bench, config.evaluation.points, 1, "evaluation", step).value
            ess = effective_sample_size(kernel, x.detach()[:_QUERIES], batch.points).mean()
            rate = (step - state.step) / (seconds - state.seconds)
            numbers |= {"sw": sw, "sw_floor": floor.floor, "effective_sample_size": float(ess)}
            folder.append_metrics(numbers | {"steps_per_second": rate, "seconds": seconds})
            if is_collapsed(x.detach(), target_spread):
                progress.warn(f"collapsed: at step {step} the generator emits (nearly) one point")
        progress.show(numbers)
        if step in snapshots:
            keep_snapshot(bench, folder, step)
        if step == config.steps or (config.checkpoint.every and step % config.checkpoint.every == 0):
            checkpoint.save(bench, folder.checkpoints, checkpoint.State(step, seconds, config.seed, target.space))

    reached = checkpoint.State(step, seconds, config.seed, target.space)
    if stop.asked and step < config.steps:
        checkpoint.save(bench, folder.checkpoints, reached)
    return reached


def snapshot_steps(steps: int, *, animate: bool) -> set[int]:
    """The steps whose samples are kept: a few on a logarithmic scale, or every frame of an animation."""
    kept = {round(steps * share) for share in (0.01, 0.03, 0.1, 0.3, 1.0)}
    if animate:
        kept |= {round(steps * (frame / 60) ** 2) for frame in range(61)}  # early changes are the fast ones
    return kept


def keep_snapshot(bench: Bench, folder: RunFolder, step: int) -> None:
    """Write samples at this step, in the data's units, for the figures: points of the plane, or images."""
    space = bench.target.space
    count = 64 if space.image else 2000
    if space.dimension != 2 and not space.image:
        return
    samples = space.to_units(generate(bench, count, bench.stream("snapshot", 0)))
    folder.samples.mkdir(exist_ok=True)
    np.save(folder.samples / f"step_{step:08d}.npy", samples.cpu().numpy().astype(np.float32))


def _not_finite(step: int, tensors: dict[str, torch.Tensor], folder: RunFolder) -> RunFailed:
    name = next(name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all()))
    kept = checkpoint.existing(folder.checkpoints)
    last = f"the last good checkpoint is {kept[-1]}" if kept else "there is no checkpoint yet"
    return RunFailed(
        f"At step {step} the {name} was not finite and the run stopped; {last}. A lower optimizer.lr or a larger "
        "kernel.bandwidth often helps."
    )
