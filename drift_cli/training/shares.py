"""The share of a training step that each of several processes computes: its rows of the batch, and the drift there.

Every process draws the noise and the data of the whole batch from the same streams, and works on its rows: the batch is
that of one process, and so is its drift, up to the order of the sums. What a process sees besides its own rows depends
on the drift:

- of balanced classes each process has whole classes, and there is nothing to exchange;
- a `shareable` drift sums over the points of all (`drift_cli/ranks/pairs.py`);
- any other drift is found by every process for the whole batch, from the samples of all; the network is shared still.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from drift_cli.abilities import abilities
from drift_cli.data import Batch
from drift_cli.drift import Iterative, Random
from drift_cli.errors import UserError
from drift_cli.generator.network import Network
from drift_cli.ranks.group import Ranks
from drift_cli.ranks.pairs import together
from drift_cli.training.loss import Field
from drift_cli.training.setup import Setup

CLASSES, ROWS, WHOLE = "classes", "rows", "whole"


def what_is_shared(setup: Setup) -> str:
    """What the processes divide besides the network: whole classes, rows, or none (it finds the whole drift)."""
    can = abilities(setup.drift)
    # What it draws, counts or starts from goes on from class to class.
    if isinstance(setup.drift, Random | Iterative) or can.second_batch:
        return WHOLE
    if setup.classes:
        return CLASSES
    labelled = bool(setup.target.space.class_frequencies)
    return ROWS if can.shareable and not labelled else WHOLE


def check(setup: Setup, processes: int) -> None:
    """Raise `UserError` where so many processes cannot share the batches of this run."""
    config, shared, told = setup.config, what_is_shared(setup), f"distributed.processes={processes}"
    exchange = config.distributed.exchange
    if setup.device.type == "mps":
        raise UserError(f"{told} cannot be on device=mps, whose processes cannot communicate: use device=cpu.")
    if shared == CLASSES and setup.classes < processes:
        raise UserError(
            f"{told} is more than the {setup.classes} classes, which are not divided: give at most "
            f"{setup.classes}, or set classes.balanced=false."
        )
    few = min(setup.count, len(setup.batch(0).points))
    if shared != CLASSES and few < 2 * processes:
        raise UserError(
            f"{told} would leave a process fewer than two of the {few} points of a batch: lower it, or raise "
            "batch_size."
        )
    if exchange == "ring" and shared == WHOLE:
        of_classes = " of these classes" if setup.classes else ""
        raise UserError(
            f"distributed.exchange=ring passes blocks of points on, and drift={config.drift.name}{of_classes} "
            "needs them together: use distributed.exchange=gather."
        )
    if exchange == "ring" and config.gradient_paths != "none":
        raise UserError(
            "distributed.exchange=ring brings no gradient back to the points, which "
            f"gradient_paths={config.gradient_paths} needs: use distributed.exchange=gather."
        )
    if any(isinstance(module, _BatchNorm) for module in setup.model.modules()):
        raise UserError(
            f"{told}: generator={config.generator.name} has batch normalisation, which would use one process's batch "
            "alone: use another normalisation, or one process."
        )


class Shares:
    """The part of each step that is this process' own."""

    def __init__(self, setup: Setup) -> None:
        self.setup, self.ranks, self.shared = setup, setup.ranks, what_is_shared(setup)

    @cached_property
    def rows(self) -> slice:
        """Its rows of the generated samples; of balanced batches those of whole classes."""
        if self.shared != CLASSES:
            return self.ranks.share(self.setup.count)
        own, each = self.ranks.share(self.setup.classes), self.setup.count // self.setup.classes
        return slice(own.start * each, own.stop * each)

    def sample(self, step: int, labels: Tensor | None, batch: Batch) -> Tensor:
        """Its rows of the samples of the whole batch."""
        setup = self.setup
        if isinstance(setup.model, Network):
            drawn = setup.noise(setup.count, "noise", step, labels, batch)[self.rows]
            return setup.model(drawn, None if labels is None else labels[self.rows])
        return setup.sample(setup.count, "noise", step, labels, batch)[self.rows]

    def field(self, step: int, labels: Tensor | None, batch: Batch) -> Field:
        """V of the whole batch at its rows."""
        setup, kernel = self.setup, self.setup.kernel_at(step)
        if self.shared == CLASSES:
            assert labels is not None
            return setup.field(kernel, labels[self.rows], _of_classes(batch, self.ranks), step=step)
        if self.shared == ROWS:

            def of_rows(x: Tensor, model: Tensor) -> Tensor:
                with together(self.ranks, setup.count, len(batch.points)) as here:
                    return setup.field(kernel, labels, replace(batch, points=here.know(batch.points)))(x, model)

            return of_rows
        second = setup.second_batch(setup.count, step, labels, batch)
        whole = setup.field(kernel, labels, batch, second=second, step=step)

        def of_all(x: Tensor, model: Tensor) -> Tensor:
            every = self.ranks.whole(x)
            return whole(every, every if model is x else self.ranks.whole(model))[self.rows]

        return of_all


def _of_classes(batch: Batch, ranks: Ranks) -> Batch:
    """The part of a balanced batch that is of this process' classes."""
    assert batch.classes is not None
    own = ranks.share(batch.classes)
    points = batch.points.unflatten(0, (batch.classes, -1))[own]
    part = Batch.balanced(points)
    return replace(part, unconditional=batch.unconditional, alpha=None if batch.alpha is None else batch.alpha[own])
