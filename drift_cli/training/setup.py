"""Everything a run works with, built from its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import torch

from drift_cli.abilities import abilities
from drift_cli.config.objects import Settings, defaults, settings_class
from drift_cli.data import Batch, Classes, Target, target_of
from drift_cli.drift import (
    Drift,
    Fitted,
    Iterative,
    Random,
    drawn_strengths,
    drift_of_classes,
    drift_per_class,
    with_unconditional,
)
from drift_cli.errors import UserError
from drift_cli.generator import Network, SampleGenerator
from drift_cli.kernels import Kernel
from drift_cli.learned import Shelf
from drift_cli.loading import collecting_nothing
from drift_cli.metrics.effective_sample_size import effective_sample_size
from drift_cli.ranks.group import ALONE, Ranks
from drift_cli.schedules import Schedule
from drift_cli.space import Auto, Autoencoder, Codec, Fitting
from drift_cli.training import device as devices
from drift_cli.training import ema
from drift_cli.training.bandwidth import found_on
from drift_cli.training.loss import Field
from drift_cli.training.queue import Queue
from drift_cli.training.settings import GUIDANCE_OFF, TrainConfig
from drift_cli.training.streams import stream
from drift_cli.transport.tally import Tally

_GIVE_POINTS = ("dataset", "space", "kernel", "drift", "generator")  # the groups whose objects points go through
_TRIED = 8


@dataclass
class Setup:
    """The pieces of a run. `model` and `average` (the same object without EMA) change as it trains.

    `config` has the numbers that were found on the data in place of the words that asked for them.
    `target` is the data; `coded` is what drift and generator see of it through `codec`, the same object without one.
    """

    config: TrainConfig
    device: torch.device
    dtype: torch.dtype
    target: Target
    codec: Codec
    coded: Target
    kernel: Kernel
    schedule: Schedule
    drift: Drift
    model: SampleGenerator
    average: SampleGenerator
    optimizer: torch.optim.Optimizer
    learning_rate: Callable[[int], float]  # of the training step
    told: str = ""  # what was found on the data before training
    ranks: Ranks = ALONE  # the processes that share its batches

    @property
    def tally(self) -> Tally | None:
        """What the iterations of the drift took, where it has any."""
        return self.drift.tally if isinstance(self.drift, Iterative) else None

    def kernel_at(self, step: int) -> Kernel:
        """The kernel with the bandwidth of training step `step`."""
        return self.kernel.scaled(self.schedule(step))

    def data(self, n: int, purpose: str, step: int) -> Batch:
        """n points as the drift sees them."""
        return self.coded.sample(n, self.stream(purpose, step), self.dtype)

    def real(self, n: int, purpose: str, step: int) -> Batch:
        """The same points in the training space of the data."""
        return self.target.sample(n, self.stream(purpose, step), self.dtype)

    @property
    def classes(self) -> int:
        """How many classes the batches are balanced over, 0 where they are not."""
        given = self.coded.space.class_frequencies
        return len(given) if given and self.config.classes.balanced and isinstance(self.coded, Classes) else 0

    @cached_property
    def queue(self) -> Queue | None:
        """The data points of each class that positives are taken from, where that is not all of the data."""
        classes = self.config.classes
        if not (self.classes and classes.queue):
            return None
        assert isinstance(self.coded, Classes)
        return Queue(self.coded, classes.queue, classes.new_of_queue, self.stream, self.dtype)

    @property
    def count(self) -> int:
        """Generated samples of a step: the batch size; with balanced classes, the largest multiple of their number."""
        return self.config.batch_size // max(self.classes, 1) * max(self.classes, 1)

    def batch(self, step: int) -> Batch:
        """The data of a training step."""
        if not self.classes:
            return self.data(self.config.batch_size, "data", step)
        assert isinstance(self.coded, Classes)
        sizes = self.coded.class_sizes
        most = self.count // self.classes
        n = self.config.classes.positives or (most if sizes is None else min(most, *sizes))
        if self.queue is not None:
            batch = self.queue.positives(min(n, self.queue.size), step)
        else:
            batch = self.coded.sample_of_each(n, self.stream("data", step), self.dtype)
        guidance = self.config.guidance
        if not guidance.on:
            return batch
        others = self.data(guidance.unconditional, "guidance", step).points
        alpha = others.new_full((self.classes,), guidance.alpha)
        if guidance.range is not None:
            drawn = drawn_strengths(self.classes, *guidance.range, guidance.power, self.stream("strength", step))
            alpha = drawn.to(others)
        return replace(batch, unconditional=others, alpha=alpha)

    def sample(self, n: int, purpose: str, step: int, labels: torch.Tensor | None, batch: Batch) -> torch.Tensor:
        """n samples of the model, of these classes, for a step with this data."""
        if not self.model.guided:
            return self.model.sample(n, self.stream(purpose, step), labels)
        return self.model(self.noise(n, purpose, step, labels, batch), labels)

    def noise(self, n: int, purpose: str, step: int, labels: torch.Tensor | None, batch: Batch) -> torch.Tensor:
        """What a network makes n samples of; in it the strength of guidance of each one's class, where it is given."""
        assert isinstance(self.model, Network)
        noise = self.model.draw(n, self.stream(purpose, step))
        if self.model.guided and labels is not None and batch.alpha is not None:
            return self.model.at_strength(noise, (batch.alpha / self.config.guidance.alpha)[labels])
        return noise

    def stream(self, purpose: str, step: int) -> torch.Generator:
        return stream(self.config.seed, purpose, step, self.device)

    def labels_like(self, batch: Batch, n: int, step: int) -> torch.Tensor | None:
        """n classes, each drawn from the batch's own, so that every one of them has data in the batch.

        Of a balanced batch as many of each, class by class.
        """
        if batch.labels is None:
            return None
        if batch.classes is not None:
            return torch.arange(batch.classes, device=self.device).repeat_interleave(n // batch.classes)
        generator = self.stream("labels", step)
        rows = torch.randint(len(batch.labels), (n,), generator=generator, device=self.device)
        return batch.labels[rows]

    def effective_sample_size(
        self, kernel: Kernel, x: torch.Tensor, labels: torch.Tensor | None, batch: Batch
    ) -> float:
        """Mean over the queries of the effective sample size of the weights on the data; of each class by itself."""
        if labels is None or batch.labels is None:
            return float(effective_sample_size(kernel, x, batch.points).mean())
        sizes = [
            effective_sample_size(kernel, x[labels == label], batch.points[batch.labels == label])
            for label in labels.unique()
        ]
        return float(torch.cat(sizes).mean())

    def field(
        self,
        kernel: Kernel,
        labels: torch.Tensor | None,
        batch: Batch,
        *,
        second: torch.Tensor | None = None,
        step: int = 0,
    ) -> Field:
        """V as a function of the queries and of the model's samples, which are the same points; per class.

        `second`, another batch of the model's samples with the same labels, takes the place of the latter. What the
        drift draws is a function of the step.
        """
        operator = self.drift
        if isinstance(operator, Random):
            operator = operator.drawing_from(self.stream("drift", step))

        def drift(x: torch.Tensor, model: torch.Tensor) -> torch.Tensor:
            paired, model = second is None, model if second is None else second
            if labels is None or batch.labels is None:
                return operator(kernel, x, batch.points, model, paired=paired and len(x) > 1)
            if batch.classes is not None:
                x, data, model = (points.unflatten(0, (batch.classes, -1)) for points in (x, batch.points, model))
                weights = {}
                if batch.unconditional is not None and batch.alpha is not None:
                    model, weights["log_weights"] = with_unconditional(model, batch.unconditional, batch.alpha)
                return drift_of_classes(operator, kernel, x, data, model, paired=paired, **weights).flatten(0, 1)
            return drift_per_class(operator, kernel, x, model, labels, batch.points, batch.labels, paired=paired)

        made = self.coded.space.dimension - self.coded.space.conditions
        return drift if made == self.coded.space.dimension else partial(_without_conditions, drift, made)

    def second_batch(self, n: int, step: int, labels: torch.Tensor | None, batch: Batch) -> torch.Tensor | None:
        """An independent batch of the model's samples, for the drifts that ask for one."""
        if not abilities(self.drift).second_batch:
            return None
        with torch.no_grad():
            return self.sample(n, "second", step, labels, batch)


def assemble(config: TrainConfig, shelf: Shelf | None = None, *, closed: bool = False, gpu: int = 0) -> Setup:
    """Build the pieces, on GPU number `gpu` where they are on one. Raises `UserError` for what cannot be built, before
    any training.

    Codes are learned here if the space has any, or loaded if already learned; from a `closed` one only.
    """
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    device = devices.resolve(config.device, gpu)
    dtype = devices.dtype(config.dtype, device)
    target = target_of(config.dataset.made())
    _check_animation(config, target)
    _check_classes(config, target)
    config = by_data(config, target)
    assert config.space is not None
    fitting = Fitting(config.seed, device, shelf or Shelf(), closed)
    codec = config.space.made().fitted(target, fitting)
    coded = codec.coded(target)
    kernel, told = found_on(coded, config.kernel)
    config = replace(config, kernel=kernel)
    if target.space.conditions and coded is not target:
        raise UserError("dataset.condition names columns of the data, which codes do not have: use space=identity.")
    model = config.generator.made(replace(coded.space, guidance=config.guidance.up_to is not None))
    if config.guidance.up_to is not None and not model.guided:
        raise UserError(
            f"generator={config.generator.name} has no input for the guidance strength, which guidance.up_to draws: "
            "use generator=mlp or transformer, or guidance.up_to=null."
        )
    if target.space.conditions and not model.conditions:
        raise UserError(
            f"generator={config.generator.name} has no input for a condition, which dataset.condition gives: use "
            "generator=mlp."
        )
    model.initialise(coded, stream(config.seed, "initial"))
    drift = config.drift.made()
    if isinstance(drift, Fitted):
        drift = drift.fitted(coded, fitting)
    model = model.to(device, dtype)
    rule = config.optimizer.made()
    with collecting_nothing():  # a process's first optimiser loads torch's compiler
        optimizer = rule.over(model.parameters())
    setup = Setup(
        config=config,
        device=device,
        dtype=dtype,
        target=target,
        codec=codec,
        coded=coded,
        kernel=kernel.made(),
        schedule=config.schedule.made(),
        drift=drift,
        model=model,
        average=ema.start(model) if config.ema.decay > 0 else model,
        optimizer=optimizer,
        learning_rate=partial(rule.learning_rate, steps=config.steps),
        told=told,
    )
    if others := [told for key in _GIVE_POINTS for told in _of_others(getattr(config, key))]:
        _try(setup, " and ".join(others))
    return setup


def by_data(config: TrainConfig, target: Target) -> TrainConfig:
    """The settings with those in place that the data decides: space=auto is the space that it asks for.

    Where none is named, as in a config.yaml from before there were any, it is the identity; and where drift or
    generator are of images, which codes are not.
    """
    chosen = {"drift": config.drift, "generator": config.generator}
    of_images = [f"{group}={own.name}" for group, own in chosen.items() if getattr(own.kind, "of_images", False)]
    if config.space is not None and config.space.kind is not Auto:
        if of_images and config.space.kind is Autoencoder:
            raise UserError(f"space=autoencoder makes codes, and {of_images[0]} needs images: use space=identity.")
        return config
    name = "identity" if config.space is None or of_images else Auto.name_for(target.space)
    return replace(config, space=settings_class("space", name)(**defaults("space", name)))


def _without_conditions(drift: Field, made: int, x: torch.Tensor, model: torch.Tensor) -> torch.Tensor:
    """V of the first `made` columns: the others are conditions, which are given and do not move."""
    return torch.nn.functional.pad(drift(x, model)[:, :made], (0, x.shape[1] - made))


def _of_others(settings: Settings) -> list[str]:
    """The classes of others that the settings name, as `drift=my_package.Mine`; those within an object too."""
    within = [each for value in vars(settings).values() if isinstance(value, Settings) for each in _of_others(value)]
    return [f"{settings.at}={settings.name}", *within] if "." in settings.name else within


def _try(setup: Setup, others: str) -> None:
    """Classes of others' may return anything: a few points are drawn and drifted before the training."""
    try:
        batch = setup.data(_TRIED, "initial", 0)
        labels = setup.labels_like(batch, _TRIED, 0)
        x = setup.model.sample(_TRIED, setup.stream("initial", 0), labels).detach()
        drifts = setup.field(setup.kernel_at(0), labels, batch)(x, x)
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError) as error:
        told = str(error).splitlines()[0] if str(error) else "no message"
        raise UserError(
            f"{others} cannot be trained with: {_TRIED} points end in {type(error).__name__}, {told}."
        ) from error
    if drifts.shape != x.shape:
        raise UserError(
            f"The drift must have the shape of its queries, {list(x.shape)}, and with {others} it has "
            f"{list(drifts.shape)}."
        )


def _check_animation(config: TrainConfig, target: Target) -> None:
    if config.animate and target.space.dimension != 2:
        raise UserError(f"animate=true draws points of the plane, and this data has {target.space.dimension} columns.")


def _check_classes(config: TrainConfig, target: Target) -> None:
    classes = len(target.space.class_frequencies or ())
    balanced = classes > 0 and config.classes.balanced and isinstance(target, Classes)
    if config.guidance.on and not balanced:
        raise UserError(
            f"{config.guidance.told} weights classes against all data: give data with classes (dataset.labels=true) "
            f"and classes.balanced=true, or {GUIDANCE_OFF}."
        )
    if not balanced:
        return
    assert isinstance(target, Classes)
    if config.batch_size < 2 * classes:
        raise UserError(
            f"batch_size must be at least {2 * classes}, two samples of each of the {classes} classes, got "
            f"{config.batch_size}: raise it, or set classes.balanced=false."
        )
    if 0 in (target.class_sizes or ()):
        raise UserError("Each class must have data, and some have none: number them from 0 without gaps.")
