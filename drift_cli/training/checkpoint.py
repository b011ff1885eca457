"""Checkpoints: tensors as safetensors, the rest as JSON, so that one that somebody sends you can run no code.

`checkpoints/step_%08d/` holds model, ema and optimizer tensors and state.json. It is written beside its place and
renamed into it, so a checkpoint is whole or absent. Random streams are functions of (seed, step) and the schedule
of the step, so the step is their position.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from drift_cli.data import Space
from drift_cli.errors import RunFailed, UserError
from drift_cli.files import read_json, write_json
from drift_cli.generator import SampleGenerator
from drift_cli.space import Codec
from drift_cli.training.setup import Setup

_FORMAT = 1
_MOMENTS = ("step", "exp_avg", "exp_avg_sq", "momentum_buffer")


@dataclass(frozen=True)
class State:
    """Where a run stands: steps done, seconds trained so far, and the space its samples live in.

    `tally` is what the iterations of the drift took since the last logged row, of a drift that has any; `codec` marks
    the codes that the generator makes, where they were learned.
    """

    step: int
    seconds: float
    seed: int
    space: Space
    tally: dict[str, float] = field(default_factory=dict)
    codec: dict[str, str] = field(default_factory=dict)


def save(setup: Setup, checkpoints: Path, state: State, more: Callable[[Path], None] | None = None) -> Path:
    """Write the checkpoint of `state.step`, then forget all but the latest `checkpoint.keep` up to it.

    `more` writes further files into its folder, which appear with the others.
    """
    try:
        return _save(setup, checkpoints, state, more)
    except (SafetensorError, OSError) as error:
        kept = existing(checkpoints)
        last = f"the last one is {kept[-1]}" if kept else "there is none yet"
        raise RunFailed(
            f"The checkpoint of step {state.step} cannot be written ({str(error).splitlines()[0]}) and the run "
            f"stopped; {last}."
        ) from error


def _save(setup: Setup, checkpoints: Path, state: State, more: Callable[[Path], None] | None) -> Path:
    place = checkpoints / f"step_{state.step:08d}"
    partial = place.with_name(place.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file(_tensors(setup.model.state_dict()), partial / "model.safetensors")
    if setup.average is not setup.model:
        save_file(_tensors(setup.average.state_dict()), partial / "ema.safetensors")
    save_file(_optimizer_tensors(setup.optimizer), partial / "optimizer.safetensors")
    entries = {"format": _FORMAT, "step": state.step, "seconds": state.seconds, "seed": state.seed}
    some = {name: value for name, value in (("tally", state.tally), ("codec", state.codec)) if value}
    sums = {file.name: sha256(file) for file in sorted(partial.glob("*.safetensors"))}
    write_json(partial / "state.json", {**entries, "space": state.space.as_dict(), **some, "sha256": sums})
    if more is not None:
        more(partial)
    for file in partial.iterdir():
        _flush(file)
    shutil.rmtree(place, ignore_errors=True)
    os.replace(partial, place)
    for old in [path for path in existing(checkpoints) if step_of(path) <= state.step][: -setup.config.checkpoint.keep]:
        shutil.rmtree(old)
    return place


def existing(checkpoints: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    named = {path: path.name.removeprefix("step_") for path in checkpoints.glob("step_*") if path.is_dir()}
    return sorted((path for path, step in named.items() if step.isdecimal()), key=step_of)


def step_of(place: Path) -> int:
    """The step of a checkpoint, by its name: beyond eight digits names are not in the order of their steps."""
    return int(place.name.removeprefix("step_").split(".")[0])


def read_state(place: Path) -> State:
    """The JSON part of a checkpoint."""
    entries = read_json(place / "state.json")
    if not isinstance(entries, dict) or entries.get("format") != _FORMAT:
        raise UserError(f"{place} is not a checkpoint of this version of drift: its format must be {_FORMAT}.")
    try:
        step, seconds, seed = entries["step"], entries["seconds"], entries["seed"]
        tally, codec = (dict(entries.get(name, {})) for name in ("tally", "codec"))
        whole = all(type(number) is int and 0 <= number < 2**63 for number in (step, seed))
        if not whole or not all(type(number) in (int, float) for number in (seconds, *tally.values())):
            raise ValueError("a number in it is none")
        return State(step, float(seconds), seed, Space.from_dict(entries["space"]), tally, codec)
    except KeyError as error:
        raise UserError(f"{place / 'state.json'} is incomplete: it lacks {error}.") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(f"{place / 'state.json'} is broken: {error}.") from error


def check_codec(codec: Codec, place: Path, state: State) -> None:
    """Raise `UserError` where the codes are not those that the checkpoint was trained in."""
    if codec.marks != state.codec:
        file = codec.marks.get("file") or state.codec.get("file")
        raise UserError(
            f"The learned codes ({file}) are not those that {place} was trained in: put that file back, or train anew."
        )


def restore(setup: Setup, place: Path, state: State) -> None:
    """Load the tensors and the tally of a checkpoint.

    Raises `UserError` where one is cut short or of another shape, or where it was trained in other codes.
    """
    check_codec(setup.codec, place, state)
    load_weights(setup.model, place / "model.safetensors")
    if setup.average is not setup.model:
        load_weights(setup.average, place / "ema.safetensors")
    _load_optimizer(setup.optimizer, place / "optimizer.safetensors")
    if setup.tally is not None:
        try:
            setup.tally.resume(state.tally)
        except ValueError as error:
            raise UserError(f"{place / 'state.json'} is broken: {error}.") from error


def load_weights(model: SampleGenerator, file: Path) -> None:
    """Copy the tensors of `file` into the model; names and shapes must agree."""
    found, wanted = _load(file), model.state_dict()
    for name in {**wanted, **found}:
        there = tuple(found[name].shape) if name in found else "nothing"
        here = tuple(wanted[name].shape) if name in wanted else "nothing"
        if there != here:
            raise UserError(f"{file} is of another shape: {name} is {there} there and {here} in these settings.")
    model.load_state_dict(found)


@contextmanager
def offering_previous(place: Path, setting: str) -> Iterator[None]:
    """A `UserError` about the checkpoint `place` offers the one before it, as `setting=…`."""
    try:
        yield
    except UserError as error:
        before = [path for path in existing(place.parent) if step_of(path) < step_of(place)]
        offer = f"The one before it: {setting}={before[-1]}." if before else "There is no checkpoint before it."
        raise UserError(f"{error} {offer}") from error


def set_aside_later(checkpoints: Path, step: int) -> list[Path]:
    """Rename the checkpoints beyond `step`, which a run going on from there makes anew; returns their new places."""
    later = [place for place in existing(checkpoints) if step_of(place) > step]
    return [place.rename(place.with_name(f"{place.name}.{secrets.token_hex(2)}.old")) for place in later]


def _tensors(state: dict[str, Any]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Per parameter its running moments, named `<parameter>.<moment>`; the settings are the config's."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": tensor.detach().cpu().contiguous()
        for index, moments in state.items()
        for name, tensor in moments.items()
        if isinstance(tensor, Tensor)
    }


def _load_optimizer(optimizer: torch.optim.Optimizer, file: Path) -> None:
    """Copy the moments of `file`; each has the shape of its parameter, or is a single number (Adam's step)."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in _load(file).items():
        index, _, name = key.partition(".")
        if not index.isdigit() or int(index) >= len(parameters) or name not in _MOMENTS:
            raise UserError(f"{file} is of another optimiser: it holds {key}.")
        expected = () if name == "step" else tuple(parameters[int(index)].shape)
        if tuple(tensor.shape) != expected:
            raise UserError(f"{file} is of another shape: {key} is {tuple(tensor.shape)} there, not {expected}.")
        state.setdefault(int(index), {})[name] = tensor
    if len({frozenset(moments) for moments in state.values()}) > 1 or (state and len(state) != len(parameters)):
        raise UserError(f"{file} is incomplete: it lacks moments of some parameters.")
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _load(file: Path) -> dict[str, Tensor]:
    if not file.is_file():
        raise UserError(f"The checkpoint is incomplete: there is no {file}.")
    if (kept := _sums(file.parent).get(file.name)) is not None and sha256(file) != kept:
        raise UserError(
            f"{file} is not what was written (cut short, broken or altered): its SHA-256 is not that in state.json."
        )
    try:
        return load_file(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{file} is broken or cut short ({str(error).splitlines()[0]}).") from error


def sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _sums(place: Path) -> dict[str, str]:
    """The checksums of a checkpoint's files; none of one that was written before there were any."""
    try:
        sums = read_json(place / "state.json").get("sha256", {})
    except (UserError, AttributeError):
        return {}
    return sums if isinstance(sums, dict) else {}


def _flush(file: Path) -> None:
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
