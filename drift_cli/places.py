"""Where the project keeps what is not code."""

from __future__ import annotations

from pathlib import Path


def kept_results() -> Path | None:
    """docs/results of a checkout, where reference runs are kept by size; an installed package has none."""
    place = Path(__file__).parent.parent / "docs" / "results"
    return place if place.is_dir() else None


def conf_dir() -> Path:
    """Where the configurations stand: inside an installed package, or beside the package in a checkout."""
    inside = Path(__file__).parent / "conf"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "conf"
