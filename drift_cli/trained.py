"""A trained run as a module that samples: what `drift sample` writes, in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from drift_cli import config as configs
from drift_cli.data import Space
from drift_cli.errors import UserError, did_you_mean
from drift_cli.generator import Network, SampleGenerator
from drift_cli.learned import Shelf
from drift_cli.runs.folder import RunFolder
from drift_cli.space import Codec, Fitting, Identity
from drift_cli.training import checkpoint
from drift_cli.training import device as devices
from drift_cli.training.evaluation import draw_labels
from drift_cli.training.settings import TrainConfig
from drift_cli.training.streams import stream

_AT_ONCE = 65_536  # samples per pass of the network, so that memory does not grow with n


@dataclass(frozen=True)
class Samples:
    """`points` [n, d] in the data's units, float64 on the CPU; `labels` [n], None without classes."""

    points: Float[Tensor, "n d"]
    labels: Int[Tensor, " n"] | None


class Trained(nn.Module):
    """A trained generator, with its codes and the space of its samples.

    Like any torch module it maps noise [n, z] (and labels [n], if it has classes) to samples [n, d] in the training
    space; `sample` returns them in the data's own units, reproducible by seed. Both decode codes, without a gradient.
    """

    def __init__(
        self,
        generator: SampleGenerator,
        codec: Codec,
        space: Space,
        device: torch.device,
        strengths: tuple[float, float] | None = None,
    ) -> None:
        """`strengths`: from the least to the largest guidance that the generator was given; None where it is given
        none."""
        super().__init__()
        self.generator, self.codec, self.space, self.device = generator, codec, space, device
        self.strengths = strengths

    def forward(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Raises `ValueError` for noise of another width than the generator's."""
        wanted = getattr(self.generator, "noise", None)
        if wanted is not None and (noise.ndim != 2 or noise.shape[1] != wanted):
            raise ValueError(f"the noise must be [n, {wanted}], as the generator takes it, got {list(noise.shape)}")
        return self.codec.decode(self.generator(noise, labels))

    @torch.no_grad()
    def sample(
        self,
        n: int,
        seed: int = 0,
        label: int | str | None = None,
        condition: Sequence[float] | None = None,
        guidance: float | None = None,
    ) -> Samples:
        """n samples, a function of the seed: those of `drift sample n=… seed=…`.

        `label` selects one class, if classes were trained, by its name in the data or by its number from 0; None uses
        the class frequencies of the data. `condition`, in the data's units, applies to every sample; None draws
        conditions from the data. The columns of the condition come last in the points. `guidance` is the strength α, if
        a range was trained; None uses the smallest. Raises `UserError` for an unknown class, a condition of another
        length, a strength out of range, or fewer than one sample.
        """
        if n < 1:
            raise UserError(f"n must be at least 1, got {n}.")
        generator = stream(seed, "sample", 0, self.device)
        labels = self._labels(label, n, generator)
        given, ratio = self._condition(condition), self._ratio(guidance)
        parts = []
        for start in range(0, n, _AT_ONCE):
            count = min(_AT_ONCE, n - start)
            part = None if labels is None else labels[start : start + count]
            if isinstance(self.generator, Network) and (given is not None or ratio != 1):
                noise = self.generator.draw(count, generator)
                if ratio != 1:
                    noise = self.generator.at_strength(noise, noise.new_tensor([ratio]))
                if given is not None:
                    noise[:, -len(given) :] = given.to(noise)
                made = self.generator(noise, part)
            else:
                made = self.generator.sample(count, generator, part)
            parts.append(self.space.to_units(self.codec.decode(made)))
        return Samples(torch.cat(parts), None if labels is None else labels.cpu())

    def _labels(self, label: int | str | None, n: int, generator: torch.Generator) -> Tensor | None:
        frequencies, names = self.space.class_frequencies, self.space.class_names or ()
        if frequencies is None:
            if label is not None:
                raise UserError(
                    f"label={label} needs a class-conditional run, and this one was trained without labels."
                )
            return None
        if label is None:
            return draw_labels(frequencies, n, generator)
        word = str(label)
        number = names.index(word) if word in names else int(word) if word.isdecimal() else -1
        if not 0 <= number < len(frequencies):
            named = f"one of {', '.join(names)}, or " if names else ""
            near = did_you_mean(str(label), names)
            raise UserError(f"label must be {named}a class from 0 to {len(frequencies) - 1}, got {label}.{near}")
        return torch.full((n,), number, device=generator.device)

    def _ratio(self, guidance: float | None) -> float:
        """α/α₀."""
        if guidance is None:
            return 1.0
        if self.strengths is None:
            raise UserError(
                f"guidance={guidance:g} needs a run that was trained with a range of strengths (guidance.up_to), and "
                "this one was not."
            )
        low, high = self.strengths
        if not low <= guidance <= high:
            raise UserError(f"guidance must be from {low:g} to {high:g}, as it was trained, got {guidance:g}.")
        return guidance / low

    def _condition(self, condition: Sequence[float] | None) -> Tensor | None:
        """The condition in the training space."""
        count = self.space.conditions
        if condition is None:
            return None
        if count == 0:
            raise UserError(
                "condition needs a run with dataset.condition, and this one was trained without: leave it out."
            )
        if len(condition) != count:
            named = ", ".join(self.space.columns[-count:])
            raise UserError(f"condition must be one number for each of {named}, got {len(condition)}: give {count}.")
        shift, scale = (
            torch.tensor(each[-count:], dtype=torch.float64) for each in (self.space.shift, self.space.scale)
        )
        return (torch.tensor(condition, dtype=torch.float64) - shift) / scale


def load(run: str | Path, *, ema: bool = True, device: str = "auto") -> Trained:
    """The generator of a run folder, or of one of its checkpoints; `ema`: use its averaged weights, if it has any.

    Raises a one-line `UserError` if the folder contains no trained run, or one that cannot be read.
    """
    folder, place = RunFolder.containing(str(run)), Path(run)
    trained = configs.load(folder.config, TrainConfig)
    if place == folder.path:
        kept = checkpoint.existing(folder.checkpoints)
        if not kept:
            raise UserError(f"{folder.path} has no checkpoint yet: train it with resume={folder.path} first.")
        place = kept[-1]
    used = devices.resolve(device)
    with checkpoint.offering_previous(place, "run"):
        state = checkpoint.read_state(place)
    fitting = Fitting(device=used, shelf=Shelf(folder.learned), closed=True)
    where = Identity() if trained.space is None else trained.space.made()
    codec = where.kept(state.space, fitting, state.codec)
    checkpoint.check_codec(codec, place, state)  # no earlier checkpoint would mend that
    strengths = trained.guidance.range
    model = trained.generator.made(replace(codec.codes_of(state.space), guidance=strengths is not None))
    averaged = ema and trained.ema.decay > 0
    with checkpoint.offering_previous(place, "run"):
        checkpoint.load_weights(model, place / ("ema.safetensors" if averaged else "model.safetensors"))
    return Trained(model.to(used, devices.dtype(trained.dtype, used)).eval(), codec, state.space, used, strengths)
