r"""One training step, of which a run is made: sample, drift, loss, gradient, optimiser, average.

On a GPU what happens between the draws and the average is captured once as a CUDA graph and then replayed, because at
these sizes launching the operations takes longer than running them. A graph repeats the numbers it was captured with,
so what changes from step to step stays in tensors: the noise, the data, the learning rate, and the bandwidth, which
enters through $V_{c\sigma}(x) = c\,V_\sigma(x/c)$, exact for every drift without a length of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from drift_cli.data import Batch
from drift_cli.drift import abilities
from drift_cli.generator import Mlp
from drift_cli.kernels import Kernel
from drift_cli.training import ema
from drift_cli.training.bench import Bench
from drift_cli.training.loss import loss_and_drift

_WARM_UP = 3  # steps before a capture, on a stream of their own, as CUDA graphs ask


@dataclass(frozen=True)
class Taken:
    """What a step saw. On a GPU `x`, `drift` and `loss` are overwritten by the next one."""

    kernel: Kernel
    batch: Batch
    labels: Tensor | None
    x: Tensor
    drift: Tensor
    loss: Tensor


Step = Callable[[int], Taken]


def build(bench: Bench) -> Step:
    """The step of this bench: captured where it can be, else operation by operation."""
    if bench.device.type == "cuda" and can_be_captured(bench):
        return CapturedStep(bench)
    return DirectStep(bench)


def can_be_captured(bench: Bench) -> bool:
    """Whether nothing but tensors changes between steps, and nothing asks the GPU for an answer."""
    config, can = bench.config, abilities(bench.drift)
    steady = config.schedule.name == "constant" or can.scales
    adam = isinstance(bench.optimizer, torch.optim.Adam | torch.optim.AdamW)
    stopped = config.gradient_paths == "none"
    return isinstance(bench.model, Mlp) and bench.model.classes == 0 and adam and steady and stopped and can.capturable


class DirectStep:
    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def __call__(self, step: int) -> Taken:
        bench, count = self.bench, self.bench.config.batch_size
        kernel, batch = bench.kernel_at(step), bench.data(count, "data", step)
        labels = bench.labels_like(batch, count, step)
        x = bench.model.sample(count, bench.stream("noise", step), labels)
        field = bench.field(kernel, labels, batch, second=bench.second_batch(count, step, labels), step=step)
        loss, drift = loss_and_drift(bench.config.gradient_paths, x, field)
        bench.optimizer.zero_grad(set_to_none=True)
        (bench.model.loss_scale(count) * loss).backward()
        for group in bench.optimizer.param_groups:
            group["lr"] = bench.learning_rate(step)
        bench.optimizer.step()
        average(bench, step)
        if bench.tally is not None:
            bench.tally.end_step()
        return Taken(kernel, batch, labels, x.detach(), drift, loss.detach())


class CapturedStep:
    """The same step on tensors that stay in place. Off a GPU nothing is captured, and it runs as it stands."""

    def __init__(self, bench: Bench) -> None:
        assert isinstance(bench.model, Mlp)
        self.bench, self.model = bench, bench.model
        count = bench.config.batch_size
        self.noise = self.model.draw(count, bench.stream("noise", 0))
        self.points = bench.data(count, "data", 0).points.clone()
        self.factor = torch.ones((), device=bench.device, dtype=bench.dtype)
        self.graph: torch.cuda.CUDAGraph | None = None
        if bench.device.type == "cuda":
            for group in bench.optimizer.param_groups:
                group["lr"], group["capturable"] = torch.zeros((), device=bench.device), True
            self._capture()

    def __call__(self, step: int) -> Taken:
        bench, count = self.bench, self.bench.config.batch_size
        batch = bench.data(count, "data", step)
        self.points.copy_(batch.points)
        self.noise.copy_(self.model.draw(count, bench.stream("noise", step)))
        self.factor.fill_(bench.schedule(step))
        rate = bench.learning_rate(step)
        for group in bench.optimizer.param_groups:
            group["lr"] = group["lr"].fill_(rate) if isinstance(group["lr"], Tensor) else rate
        if self.graph is None:
            x, drift, loss = self._advance()
        else:
            self.graph.replay()
            x, drift, loss = self.outputs
        average(bench, step)
        return Taken(bench.kernel_at(step), batch, None, x, drift, loss)

    def _advance(self) -> tuple[Tensor, Tensor, Tensor]:
        bench = self.bench
        x = self.model(self.noise)
        loss, drift = loss_and_drift("none", x, self._field)
        bench.optimizer.zero_grad(set_to_none=True)
        (self.model.loss_scale(len(x)) * loss).backward()
        bench.optimizer.step()
        return x.detach(), drift, loss.detach()

    def _field(self, x: Tensor, model: Tensor) -> Tensor:
        """V at the bandwidth of the moment, by V_cσ(x) = c V_σ(x/c)."""
        x, data, model = (points / self.factor for points in (x, self.points, model))
        return self.factor * self.bench.drift(self.bench.kernel, x, data, model, paired=len(x) > 1)

    def _capture(self) -> None:
        """Capture the step; the steps run to prepare for it are undone."""
        weights = [parameter.detach().clone() for parameter in self.model.parameters()]
        moments = [{name: t.clone() for name, t in self._state(p).items()} for p in self.model.parameters()]
        current, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(current)
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP):
                self._advance()
        current.wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.outputs = self._advance()
        with torch.no_grad():
            for parameter, weight, kept in zip(self.model.parameters(), weights, moments, strict=True):
                parameter.copy_(weight)
                for name, tensor in self._state(parameter).items():
                    tensor.copy_(kept[name]) if name in kept else tensor.zero_()

    def _state(self, parameter: Tensor) -> dict[str, Tensor]:
        state = self.bench.optimizer.state.get(parameter, {})
        return {name: value for name, value in state.items() if isinstance(value, Tensor)}


def average(bench: Bench, step: int) -> None:
    """Move the averaged weights toward those of training step `step`, where there are any."""
    if bench.average is not bench.model:
        ema.update(bench.average, bench.model, bench.config.ema.decay, step)
