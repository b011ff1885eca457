"""The default space for the data."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from drift_cli.data import Space
from drift_cli.space.identity import Identity

_SMALL = 8 * 8  # pixels of the largest image whose distances are meant as they are


@dataclass(frozen=True)
class Auto(Identity):
    """Settings name it; a run takes `name_for` its data in its place."""

    @staticmethod
    def name_for(space: Space) -> str:
        """autoencoder for images larger than 8 × 8, identity for all else."""
        return "autoencoder" if space.image and prod(space.image[:2]) > _SMALL else "identity"
