"""Checkpoints: tensors as safetensors, the rest as JSON, so that one that somebody sends you can run no code.

`checkpoints/step_%08d/` holds model, ema and optimizer tensors and state.json. It is written under a temporary name and
renamed, so a checkpoint is complete or absent. Random streams are functions of (seed, step) and the schedule of the
step, so the step is their position.
"""

from __future__ import annotations

import hashlib
import math
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from drift_cli.data import Space
from drift_cli.errors import RunFailed, UserError
from drift_cli.files import flush, read_json, remove_whole, write_json, write_tensors
from drift_cli.generator import SampleGenerator
from drift_cli.space import Codec
from drift_cli.training.setup import Setup

_FORMAT = 1
_MOMENTS = ("step", "exp_avg", "exp_avg_sq", "momentum_buffer")


@dataclass(frozen=True)
class State:
    """Where a run stands: steps done, seconds trained so far, and the space its samples live in.

    `tally` is what the iterations of the drift took since the last logged row, of a drift that has any; `codec` marks
    the codes that the generator makes, where they were learned; `data` marks the data, where it is of a user.
    """

    step: int
    seconds: float
    seed: int
    space: Space
    tally: dict[str, float] = field(default_factory=dict)
    codec: dict[str, str] = field(default_factory=dict)
    data: str = ""


def save(setup: Setup, checkpoints: Path, state: State, more: Callable[[Path], None] | None = None) -> Path:
    """Write the checkpoint of `state.step`, then forget all but the latest `checkpoint.keep` up to it.

    `more` writes further files into its folder, which appear with the others.
    """
    try:
        return _save(setup, checkpoints, state, more)
    except OSError as error:
        kept = last_sound(checkpoints)
        last = f"the last one is {kept}" if kept else "there is none yet"
        raise RunFailed(
            f"The checkpoint of step {state.step} cannot be written ({error.strerror}) and the run stopped; {last}."
        ) from error


def _save(setup: Setup, checkpoints: Path, state: State, more: Callable[[Path], None] | None) -> Path:
    place = checkpoints / f"step_{state.step:08d}"
    partial = place.with_name(place.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, each in kept_tensors(setup).items():
        write_tensors(partial / f"{name}.safetensors", each)
    entries = {"format": _FORMAT, "step": state.step, "seconds": state.seconds, "seed": state.seed}
    parts = {"tally": state.tally, "codec": state.codec, "data": state.data}
    some = {name: value for name, value in parts.items() if value}
    sums = {file.name: sha256(file) for file in sorted(partial.glob("*.safetensors"))}
    write_json(partial / "state.json", {**entries, "space": state.space.as_dict(), **some, "sha256": sums})
    if more is not None:
        more(partial)
    before = set_aside(place) if place.is_dir() else None  # of a stop right after a checkpoint
    os.replace(partial, place)
    flush(checkpoints)
    if before is not None:
        remove_whole(before)
    forget_older(checkpoints, state.step, setup.config.checkpoint.keep)
    return place


def forget_older(checkpoints: Path, step: int, keep: int) -> None:
    """Remove all but the latest `keep` checkpoints up to this step."""
    for old in [path for path in existing(checkpoints) if step_of(path) <= step][:-keep]:
        remove_whole(old)


def kept_tensors(setup: Setup) -> dict[str, dict[str, Tensor]]:
    """What a checkpoint keeps, by file."""
    parts = {"model": setup.model.state_dict(), "optimizer": _optimizer_tensors(setup.optimizer)}
    return parts if setup.average is setup.model else {**parts, "ema": setup.average.state_dict()}


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
        tally, codec = entries.get("tally", {}), entries.get("codec", {})
        if not (isinstance(tally, dict) and isinstance(codec, dict)):
            raise ValueError("its tally or its codes are no mapping")
        whole = all(type(number) is int and 0 <= number < 2**63 for number in (step, seed))
        if not whole or not all(type(number) in (int, float) for number in (seconds, *tally.values())):
            raise ValueError("one of its numbers is not a number")
        space, data = Space.from_dict(entries["space"]), entries.get("data", "")
        if not isinstance(data, str):
            raise ValueError("its data fingerprint is not text")
        return State(step, float(seconds), seed, space, tally, codec, data)
    except KeyError as error:
        raise UserError(f"{place / 'state.json'} is incomplete: it lacks {error}.") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(f"{place / 'state.json'} is broken: {error}.") from error


def check_codec(codec: Codec, place: Path, state: State) -> None:
    """Raise `UserError` where the codes are not those that the checkpoint was trained in."""
    if codec.marks != state.codec:
        file = codec.marks.get("file") or state.codec.get("file")
        raise UserError(
            f"The learned codes ({file}) are not those that {place} was trained in: put that file back, or start a new "
            "run."
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
            raise UserError(f"{file} has another shape: {name} is {there} there and {here} in these settings.")
    model.load_state_dict(found)


@contextmanager
def offering_previous(place: Path, setting: str) -> Iterator[None]:
    """A `UserError` about the checkpoint `place` offers the one before it, as `setting=…`."""
    try:
        yield
    except UserError as error:
        before = last_sound(place.parent, step_of(place))
        offer = f"The one before it: {setting}={before}." if before else "There is no good checkpoint before it."
        raise UserError(f"{error} {offer}") from error


def set_aside_later(checkpoints: Path, step: int) -> list[Path]:
    """Rename the checkpoints beyond `step`, which a run resuming from there writes again; returns their new places."""
    return [set_aside(place) for place in existing(checkpoints) if step_of(place) > step]


def set_aside(place: Path) -> Path:
    """Give a checkpoint a name under which none is looked for; returns it."""
    return place.rename(place.with_name(f"{place.name}.{secrets.token_hex(2)}.old"))


def last_sound(checkpoints: Path, before: float = math.inf) -> Path | None:
    """The latest checkpoint below the step `before` that is as it was written and holds finite numbers alone."""
    earlier = [place for place in existing(checkpoints) if step_of(place) < before]
    return next((place for place in reversed(earlier) if is_sound(place)), None)


def is_sound(place: Path) -> bool:
    """Whether every part of a checkpoint can be read, and every number in it is finite."""
    try:
        read_state(place)
        for name in {"model.safetensors", "optimizer.safetensors", *_sums(place)}:
            _load(place / name)
    except UserError:
        return False
    return True


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
            raise UserError(f"{file} belongs to another optimiser: it contains {key}.")
        expected = () if name == "step" else tuple(parameters[int(index)].shape)
        if tuple(tensor.shape) != expected:
            raise UserError(f"{file} has another shape: {key} is {tuple(tensor.shape)} there, not {expected}.")
        state.setdefault(int(index), {})[name] = tensor
    if len({frozenset(moments) for moments in state.values()}) > 1 or (state and len(state) != len(parameters)):
        raise UserError(f"{file} is incomplete: it lacks moments of some parameters.")
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _load(file: Path) -> dict[str, Tensor]:
    if not file.is_file():
        raise UserError(f"The checkpoint is incomplete: there is no {file}.")
    if (kept := _sums(file.parent).get(file.name)) is not None and sha256(file) != kept:
        raise UserError(
            f"{file} has changed since it was written (truncated, damaged or altered): its SHA-256 is not that in "
            "state.json."
        )
    try:
        found = load_file(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{file} is damaged or truncated ({str(error).splitlines()[0]}).") from error
    for name, tensor in found.items():
        if not bool(torch.isfinite(tensor).all()):
            raise UserError(f"{file} contains non-finite numbers ({name}): the run had already diverged.")
    return found


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
