"""The entries of a file of claims, reported numbers or parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf


def entries(file: Path) -> list[dict[str, Any]]:
    """Each as its names and values; none where there is no such file."""
    found = OmegaConf.to_container(OmegaConf.load(file)) if file.is_file() else []
    assert isinstance(found, list)
    return found
