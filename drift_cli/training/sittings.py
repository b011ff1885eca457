"""A run in one or several sessions: killed at any step, it resumes from its last checkpoint.

What a study has seen of the run so far (curves, gradients, losses) is kept with the weights, in the same folder, so
that both are of the same step. The interval is one of time: where a run is left changes none of its bits, as its random
streams are functions of the seed and the step.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from drift_cli.errors import UserError
from drift_cli.files import read_json, remove_partial, write_json, write_tensors
from drift_cli.training import checkpoint
from drift_cli.training.setup import Setup

EVERY = 60.0  # seconds between checkpoints: at most so much is lost


@dataclass(frozen=True)
class Seen:
    """What a study has seen of a run: numbers, lists and texts, and tensors."""

    numbers: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)


class Sitting:
    """A run from where it was left, `step` steps done, to the next interruption. The folder is this run's alone."""

    def __init__(self, build: Callable[[], Setup], folder: Path, asked: dict[str, Any]) -> None:
        """Build the run, and go on with what `folder` holds where it was asked for the same."""
        self.folder, self.asked, self.kept = folder, asked, time.monotonic()
        self.setup, self.step, self.seen = build(), 0, Seen()
        remove_partial(folder)
        for place in reversed(checkpoint.existing(folder)):
            try:
                self._go_on_from(place)
                return
            except UserError:  # broken, or of other settings: the run begins anew
                self.setup, self.step, self.seen = build(), 0, Seen()
        shutil.rmtree(folder, ignore_errors=True)

    @property
    def due(self) -> bool:
        """Whether the last checkpoint is long ago."""
        return time.monotonic() - self.kept > EVERY

    def keep(self, step: int, seen: Seen) -> None:
        """Write a checkpoint of step `step`, the earlier ones are forgotten."""
        setup = self.setup
        pending = {} if setup.tally is None else setup.tally.pending()
        state = checkpoint.State(step, 0.0, setup.config.seed, setup.target.space, pending, setup.codec.marks)

        def write(partial: Path) -> None:
            write_json(partial / "seen.json", {"asked": self.asked, "numbers": seen.numbers})
            write_tensors(partial / "seen.safetensors", seen.tensors)

        checkpoint.save(setup, self.folder, state, write)
        self.kept = time.monotonic()

    def _go_on_from(self, place: Path) -> None:
        seen = read_json(place / "seen.json")
        if not isinstance(seen, dict) or seen.get("asked") != self.asked:
            raise UserError(f"{place} belongs to other settings.")
        state = checkpoint.read_state(place)
        checkpoint.restore(self.setup, place, state)
        try:
            tensors = {name: t.to(self.setup.device) for name, t in load_file(place / "seen.safetensors").items()}
        except Exception as error:
            raise UserError(f"{place} is broken: {error}.") from error
        self.step, self.seen = state.step, Seen(seen["numbers"], tensors)
