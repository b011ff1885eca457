"""Where learned networks are kept: by the content they were learned from, so that equal ones are learned once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor, nn

from drift_cli.errors import UserError
from drift_cli.files import write_tensors


def content_hash(*parts: Tensor | object) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of tensors (bytes, shape, type) and of other values (their text)."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            array = part.detach().cpu().contiguous().numpy()
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(array.tobytes())
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Shelf:
    """`own`: the run's folder of learned networks, which has all that the run needs; `common`: a neighbouring one,
    shared by runs. None: nothing is kept there. `others`: folders of other runs, which are read and never written.
    """

    own: Path | None = None
    common: Path | None = None
    others: tuple[Path, ...] = ()

    def learned(
        self, name: str, key: str, network: nn.Module, learn: Callable[[nn.Module], dict[str, Any]]
    ) -> dict[str, Any]:
        """Give `network` the weights kept under `name` and `key`, or those that `learn` leaves in it; what `learn`
        reported (numbers and words) comes back with either.

        Raises `UserError` for a kept file that is broken or of another shape.
        """
        file = f"{name}-{key}.safetensors"
        places = [folder / file for folder in (self.own, self.common) if folder is not None]
        read = [*places, *(folder / file for folder in self.others)]
        there = next((place for place in read if place.is_file()), None)
        report = learn(network) if there is None else _load(network, there, "remove it to train it again")
        for place in places:
            if not place.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                write_tensors(place, network.state_dict(), {"report": json.dumps(report)})
        network.requires_grad_(False).eval()
        return report

    def kept(self, file: str, network: nn.Module) -> dict[str, Any]:
        """Give `network` the weights of this file of the run's own. Raises `UserError` where it is gone or broken."""
        place = (self.own or Path()) / Path(file).name
        if not place.is_file():
            raise UserError(
                f"There is no {place}, which this run was trained with: put it back (or its data, if that has "
                "changed), or start a new run."
            )
        report = _load(network, place, "put it back, or start a new run")
        network.requires_grad_(False).eval()
        return report


def _load(network: nn.Module, place: Path, remedy: str) -> dict[str, Any]:
    try:
        with safe_open(place, "pt") as kept:
            network.load_state_dict({name: kept.get_tensor(name) for name in kept.keys()})  # noqa: SIM118
            return json.loads(kept.metadata()["report"])
    except Exception as error:  # cut short, of another shape, not of this kind
        raise UserError(f"{place} cannot be read ({str(error).splitlines()[0]}): {remedy}.") from error
