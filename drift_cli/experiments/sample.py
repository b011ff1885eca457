"""`drift sample`: draw samples from a trained run, repeatable by seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from drift_cli import config as configs
from drift_cli import generator as generators
from drift_cli.config.commands import SampleConfig, TrainConfig
from drift_cli.console import make as make_console
from drift_cli.data import tables
from drift_cli.errors import UserError
from drift_cli.generator import Particles
from drift_cli.runs.folder import RunFolder
from drift_cli.training import checkpoint
from drift_cli.training import device as devices
from drift_cli.training.evaluation import draw_labels
from drift_cli.training.streams import stream

_AT_ONCE = 65_536  # samples per pass of the network, so that memory does not grow with n


def run(config: SampleConfig, path: Path) -> list[Path]:
    """Write `n` samples to `out`, in the data's units; returns the files written."""
    out = Path(config.out)
    if out.suffix.lower() not in tables.WRITABLE:
        raise UserError(f'out must end in {", ".join(tables.WRITABLE)}, got "{config.out}".')
    folder = RunFolder.containing(config.run)
    trained = configs.load(folder.config, TrainConfig)
    place = Path(config.run)
    if place == folder.path:
        kept = checkpoint.existing(folder.checkpoints)
        if not kept:
            raise UserError(f"{folder.path} has no checkpoint yet: train it with resume={folder.path} first.")
        place = kept[-1]
    device = devices.resolve(config.device)
    dtype = devices.dtype(trained.dtype, device)
    with checkpoint.offering_previous(place, "run"):
        space = checkpoint.read_state(place).space
        model = generators.skeleton(trained.generator, space)
        averaged = config.ema and trained.ema.decay > 0
        checkpoint.load_weights(model, place / ("ema.safetensors" if averaged else "model.safetensors"))
    model = model.to(device, dtype)

    generator = stream(config.seed, "sample", 0, device)
    labels = _labels(config.label, space.class_frequencies, config.n, generator)
    with torch.no_grad():
        parts = []
        for start in range(0, config.n, _AT_ONCE):
            count = min(_AT_ONCE, config.n - start)
            part = None if labels is None else labels[start : start + count]
            parts.append(space.to_units(model.sample(count, generator, part)))
    points = torch.cat(parts).numpy()
    if not np.isfinite(points).all():
        raise UserError(
            f"{place} emits values that are not finite: the run had gone wrong; take an earlier checkpoint."
        )
    console = make_console()
    if isinstance(model, Particles) and config.n > len(model.positions):
        console.print(f"note: {len(model.positions)} particles give {config.n} samples by repetition", highlight=False)
    if space.image and out.suffix.lower() == ".npy":
        points = points.reshape(len(points), *space.image)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        written = tables.write(out, points, space.columns, None if labels is None else labels.cpu().numpy())
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
    for file in written:
        console.print(f"{file}", highlight=False, soft_wrap=True)
    return written


def _labels(
    label: int | None, frequencies: tuple[float, ...] | None, n: int, generator: torch.Generator
) -> torch.Tensor | None:
    if frequencies is None:
        if label is not None:
            raise UserError(f"label={label} needs a class-conditional run, and this one was trained without labels.")
        return None
    if label is None:
        return draw_labels(frequencies, n, generator)
    if not 0 <= label < len(frequencies):
        raise UserError(f"label must be a class from 0 to {len(frequencies) - 1}, got {label}.")
    return torch.full((n,), label, device=generator.device)
