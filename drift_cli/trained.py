"""A trained run as a module that samples: what `drift sample` writes, in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from drift_cli import config as configs
from drift_cli.data import Space
from drift_cli.errors import UserError
from drift_cli.generator import Mlp, SampleGenerator
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
    """`points` [n, d] in the data's units, float64 on the CPU; `labels` [n], None where there are no classes."""

    points: Float[Tensor, "n d"]
    labels: Int[Tensor, " n"] | None


class Trained(nn.Module):
    """A trained generator, the codes that it makes, and the space that its samples live in.

    Called on noise [n, z] (and labels [n], where it has classes) it gives samples of the training space [n, d], as a
    module of torch does; `sample` gives them in the data's own units, repeatable by seed. Codes are decoded in both,
    without a gradient.
    """

    def __init__(self, generator: SampleGenerator, codec: Codec, space: Space, device: torch.device) -> None:
        super().__init__()
        self.generator, self.codec, self.space, self.device = generator, codec, space, device

    def forward(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Raises `ValueError` for noise of another width than the generator's."""
        wanted = getattr(self.generator, "noise", None)
        if wanted is not None and (noise.ndim != 2 or noise.shape[1] != wanted):
            raise ValueError(f"the noise must be [n, {wanted}], as the generator takes it, got {list(noise.shape)}")
        return self.codec.decode(self.generator(noise, labels))

    @torch.no_grad()
    def sample(
        self, n: int, seed: int = 0, label: int | None = None, condition: Sequence[float] | None = None
    ) -> Samples:
        """n samples, a function of the seed: those of `drift sample n=… seed=…`.

        `label` asks for one class, where classes were trained; None draws them as often as in the data. `condition`, in
        the data's units, is that of every sample; None draws each from the data's. The columns of the condition are the
        last of the points. Raises `UserError` for a class that is none, a condition of another length, or fewer than
        one sample.
        """
        if n < 1:
            raise UserError(f"n must be at least 1, got {n}.")
        generator = stream(seed, "sample", 0, self.device)
        labels = self._labels(label, n, generator)
        given = self._condition(condition)
        parts = []
        for start in range(0, n, _AT_ONCE):
            count = min(_AT_ONCE, n - start)
            part = None if labels is None else labels[start : start + count]
            if given is None or not isinstance(self.generator, Mlp):
                made = self.generator.sample(count, generator, part)
            else:
                noise = self.generator.draw(count, generator)
                noise[:, -len(given) :] = given.to(noise)
                made = self.generator(noise, part)
            parts.append(self.space.to_units(self.codec.decode(made)))
        return Samples(torch.cat(parts), None if labels is None else labels.cpu())

    def _labels(self, label: int | None, n: int, generator: torch.Generator) -> Tensor | None:
        frequencies = self.space.class_frequencies
        if frequencies is None:
            if label is not None:
                raise UserError(
                    f"label={label} needs a class-conditional run, and this one was trained without labels."
                )
            return None
        if label is None:
            return draw_labels(frequencies, n, generator)
        if not 0 <= label < len(frequencies):
            raise UserError(f"label must be a class from 0 to {len(frequencies) - 1}, got {label}.")
        return torch.full((n,), label, device=generator.device)

    def _condition(self, condition: Sequence[float] | None) -> Tensor | None:
        """The condition in the training space."""
        count = self.space.conditions
        if condition is None:
            return None
        if count == 0:
            raise UserError("condition needs a run with dataset.condition, and this one was trained without.")
        if len(condition) != count:
            named = ", ".join(self.space.columns[-count:])
            raise UserError(f"condition must be one number for each of {named}, got {len(condition)}.")
        shift, scale = (
            torch.tensor(each[-count:], dtype=torch.float64) for each in (self.space.shift, self.space.scale)
        )
        return (torch.tensor(condition, dtype=torch.float64) - shift) / scale


def load(run: str | Path, *, ema: bool = True, device: str = "auto") -> Trained:
    """The generator of a run folder, or of one of its checkpoints; `ema`: with its averaged weights, where it has any.

    Raises `UserError` in one line where the folder holds no trained run, or one that cannot be read.
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
        checkpoint.check_codec(codec, place, state)
        model = trained.generator.made(codec.codes_of(state.space))
        averaged = ema and trained.ema.decay > 0
        checkpoint.load_weights(model, place / ("ema.safetensors" if averaged else "model.safetensors"))
    return Trained(model.to(used, devices.dtype(trained.dtype, used)).eval(), codec, state.space, used)
