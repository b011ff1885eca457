r"""One training step, of which a run is made: sample, drift, loss, gradient, optimiser, average.

On a GPU what happens between the draws and the average is captured once as a CUDA graph and then replayed, because at
these sizes launching the operations takes longer than running them. A graph repeats the numbers it was captured with,
so what changes from step to step stays in tensors: the noise, the data, the learning rate, and the bandwidth, which
enters through $V_{c\sigma}(x) = c\,V_\sigma(x/c)$, exact for every drift whose only length is the bandwidth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from drift_cli.abilities import abilities
from drift_cli.data import Batch
from drift_cli.generator import Network
from drift_cli.kernels import Kernel
from drift_cli.ranks.group import Ranks
from drift_cli.training import ema
from drift_cli.training.loss import loss_and_drift
from drift_cli.training.setup import Setup
from drift_cli.training.shares import Shares

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

    @property
    def drift_norm(self) -> Tensor:
        """The mean |V| of the batch."""
        return self.drift.norm(dim=1).mean()

    def samples(self) -> Tensor:
        """The generated samples of the whole batch; all processes ask for them at the same steps."""
        return self.x


@dataclass(frozen=True)
class TakenTogether(Taken):
    """What a step of several processes saw: `loss` of the whole batch, `x` and `drift` of this process' rows."""

    ranks: Ranks
    norm: Tensor

    @property
    def drift_norm(self) -> Tensor:
        return self.norm

    def samples(self) -> Tensor:
        return self.ranks.whole(self.x)


Step = Callable[[int], Taken]


def build(setup: Setup) -> Step:
    """The step of this setup: captured where it can be, else operation by operation."""
    if not setup.ranks.alone:
        return SharedStep(setup)
    if setup.device.type == "cuda" and not setup.target.space.conditions and can_be_captured(setup):
        return CapturedStep(setup)
    return DirectStep(setup)


def can_be_captured(setup: Setup) -> bool:
    """Whether nothing but tensors changes between steps, and nothing asks the GPU for an answer."""
    config, can = setup.config, abilities(setup.drift)
    if not (isinstance(setup.model, Network) and setup.model.capturable):
        return False
    adjustable = getattr(config.optimizer.kind, "capturable", False)
    steady = config.schedule.name == "constant" or can.scales
    stopped = config.gradient_paths == "none"
    together = setup.model.classes == 0 or (setup.classes > 0 and can.batched)
    return adjustable and steady and stopped and together and can.capturable


class DirectStep:
    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    def __call__(self, step: int) -> Taken:
        setup, count = self.setup, self.setup.count
        kernel, batch = setup.kernel_at(step), setup.batch(step)
        labels = setup.labels_like(batch, count, step)
        x = setup.sample(count, "noise", step, labels, batch)
        field = setup.field(kernel, labels, batch, second=setup.second_batch(count, step, labels, batch), step=step)
        loss, drift = loss_and_drift(setup.config.gradient_paths, x, field)
        setup.optimizer.zero_grad(set_to_none=True)
        (setup.model.loss_scale(count) * loss).backward()
        _move(setup, step)
        return Taken(kernel, batch, labels, x.detach(), drift, loss.detach())


class SharedStep:
    """The same step of several processes: each one's loss is its rows' part of the mean, and the gradients are summed.

    Each then moves its own copy of the weights by the same numbers.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup, self.shares = setup, Shares(setup)

    def __call__(self, step: int) -> TakenTogether:
        setup, count = self.setup, self.setup.count
        kernel, batch = setup.kernel_at(step), setup.batch(step)
        labels = setup.labels_like(batch, count, step)
        x = self.shares.sample(step, labels, batch)
        loss, drift = loss_and_drift(setup.config.gradient_paths, x, self.shares.field(step, labels, batch))
        part = len(x) / count
        setup.optimizer.zero_grad(set_to_none=True)
        (setup.model.loss_scale(count) * part * loss).backward()
        loss, norm = part * loss.detach(), part * drift.norm(dim=1).mean()
        gradients = [parameter.grad for parameter in setup.model.parameters() if parameter.grad is not None]
        setup.ranks.add([*gradients, loss, norm])
        _move(setup, step)
        return TakenTogether(kernel, batch, labels, x.detach(), drift, loss, setup.ranks, norm)


class CapturedStep:
    """The same step on tensors that stay in place. Off a GPU nothing is captured, and it runs as it stands."""

    def __init__(self, setup: Setup) -> None:
        assert isinstance(setup.model, Network)
        self.setup, self.model = setup, setup.model
        count, batch = setup.count, setup.batch(0)
        moving: dict[str, Any] = {name: points.clone() for name, points in _moving(batch).items()}
        self.data = replace(batch, **moving)
        self.labels = setup.labels_like(batch, count, 0)  # of balanced classes, and the same at every step
        self.noise = setup.noise(count, "noise", 0, self.labels, batch)
        self.factor = torch.ones((), device=setup.device, dtype=setup.dtype)
        self.graph: torch.cuda.CUDAGraph | None = None
        if setup.device.type == "cuda":
            for group in setup.optimizer.param_groups:
                group["lr"], group["capturable"] = torch.zeros((), device=setup.device), True
            self._capture()

    def __call__(self, step: int) -> Taken:
        setup, count = self.setup, self.setup.count
        batch = setup.batch(step)
        for name, points in _moving(batch).items():
            getattr(self.data, name).copy_(points)
        self.noise.copy_(setup.noise(count, "noise", step, self.labels, batch))
        self.factor.fill_(setup.schedule(step))
        rate = setup.learning_rate(step)
        for group in setup.optimizer.param_groups:
            group["lr"] = group["lr"].fill_(rate) if isinstance(group["lr"], Tensor) else rate
        if self.graph is None:
            x, drift, loss = self._advance()
        else:
            self.graph.replay()
            x, drift, loss = self.outputs
        average(setup, step)
        return Taken(setup.kernel_at(step), batch, self.labels, x, drift, loss)

    def _advance(self) -> tuple[Tensor, Tensor, Tensor]:
        setup = self.setup
        x = self.model(self.noise, self.labels)
        loss, drift = loss_and_drift("none", x, self._field)
        setup.optimizer.zero_grad(set_to_none=True)
        (self.model.loss_scale(len(x)) * loss).backward()
        setup.optimizer.step()
        return x.detach(), drift, loss.detach()

    def _field(self, x: Tensor, model: Tensor) -> Tensor:
        """V at the bandwidth of the moment, by V_cσ(x) = c V_σ(x/c)."""
        x, data, model = (points / self.factor for points in (x, self.data.points, model))
        batch = replace(self.data, points=data)
        if batch.unconditional is not None:
            batch = replace(batch, unconditional=batch.unconditional / self.factor)
        field = self.setup.field(self.setup.kernel, self.labels, batch)
        return self.factor * field(x, model)

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
        state = self.setup.optimizer.state.get(parameter, {})
        return {name: value for name, value in state.items() if isinstance(value, Tensor)}


def _moving(batch: Batch) -> dict[str, Tensor]:
    """What of a batch is another at every step."""
    parts = {"points": batch.points, "unconditional": batch.unconditional, "alpha": batch.alpha}
    return {name: part for name, part in parts.items() if part is not None}


def _move(setup: Setup, step: int) -> None:
    """Take the step that the gradients ask for."""
    for group in setup.optimizer.param_groups:
        group["lr"] = setup.learning_rate(step)
    setup.optimizer.step()
    average(setup, step)
    if setup.tally is not None:
        setup.tally.end_step()


def average(setup: Setup, step: int) -> None:
    """Move the averaged weights, if any, toward those of training step `step`."""
    if setup.average is not setup.model:
        ema.update(setup.average, setup.model, setup.config.ema.decay, step)
