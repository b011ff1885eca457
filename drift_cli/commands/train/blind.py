"""A note if the sliced Wasserstein distance is at its floor, and thus uninformative, while another number is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_AT_FLOOR = 1.1  # times the floor, or three of its deviations
_FAR = 2.0  # times its floor, of a number that is larger where it is worse
_LOW = 0.8  # of its floor, of a number that is smaller where it is worse
_WORSE_ABOVE = {"frechet": "the Fréchet distance", "energy": "the energy distance", "mode_error": "the mode error"}
_WORSE_BELOW = {"coverage": "the coverage", "spread": "the within-class spread", "mode_variance": "the modes' variance"}
_LEAST = 0.05  # a mode error below it is none, whatever its floor


def blind(summary: Mapping[str, Any]) -> str | None:
    """That note as one line, or None."""
    sw, floor = summary["sw"], summary["sw_floor"]
    if sw > max(_AT_FLOOR * floor, floor + 3 * (summary.get("sw_floor_sd") or 0.0)):
        return None
    told = [
        f"{name} is {summary[key]:.3g} against {summary[f'{key}_floor']:.3g}"
        for key, name in (_WORSE_ABOVE | _WORSE_BELOW).items()
        if summary.get(key) is not None and summary.get(f"{key}_floor") is not None and _is_far(key, summary)
    ]
    return f"SW-2 is at its floor and not informative here: {', '.join(told)}" if told else None


def _is_far(key: str, summary: Mapping[str, Any]) -> bool:
    value, floor = summary[key], summary[f"{key}_floor"]
    if key in _WORSE_BELOW:
        return value < _LOW * floor
    return value > _FAR * floor and (key != "mode_error" or value > _LEAST)
