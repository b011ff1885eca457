"""The settings that determine a run's result, used to recognise whether a kept result is the requested one."""

from __future__ import annotations

from typing import Any

from drift_cli.config.flat import flat

_DECIDE = ("steps", "dataset.path", "dataset.limit")  # may be given with resume=, and make another result


def asked(settings: Any) -> dict[str, Any]:
    """By dotted keys, as plain data: all except where and how fast a run is computed, and what it reports."""
    beside = [key for key in (*getattr(settings, "changeable", ()), "resume") if key not in _DECIDE]
    return {
        key: value for key, value in flat(settings).items() if not any(f"{key}.".startswith(f"{b}.") for b in beside)
    }
