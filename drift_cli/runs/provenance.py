"""What a result was made with: versions, machine, settings of the machine, command, time and memory."""

from __future__ import annotations

import importlib.metadata
import platform
import resource
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import torch

from drift_cli import __version__
from drift_cli.errors import UserError
from drift_cli.files import read_object
from drift_cli.fused import native

_LIBRARIES = ("torch", "numpy", "hydra-core", "omegaconf", "safetensors", "matplotlib", "pyarrow", "scikit-learn")


def at_start(command: str, seed: int, device: torch.device) -> dict[str, Any]:
    """What is known before the work begins."""
    return {
        "drift": __version__,
        **_git(),
        "command": shlex.join(["drift", command, *sys.argv[1:]]),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "threads": torch.get_num_threads(),
        "loops": native.instruction_set() or "eager",
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def at_end(device: torch.device, seconds: float) -> dict[str, Any]:
    """What is known after it: wall time in seconds, peak memory in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes on macOS, in KiB elsewhere
    peak = {"peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
    if device.type == "cuda":
        peak["peak_device_memory_bytes"] = torch.cuda.max_memory_allocated(device)
    return {"finished": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": seconds, **peak}


def resumed(file: Path, now: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What `file` says of the first start, with this one added; `now` alone where it does not say it.

    A problem with the record of a run's origin must not cost the run.
    """
    try:
        earlier = read_object(file)
    except UserError:
        return now
    before = earlier.get("resumed", [])
    return earlier | {"resumed": [*(before if isinstance(before, list) else []), now | more]} if earlier else now


def of_a_run(seconds: float) -> dict[str, Any]:
    """What one run of a study was made with; `seconds` of its last sitting."""
    return {**_git(), "device_name": _processor(), "loops": native.instruction_set() or "eager",
            "finished": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": seconds}  # fmt: skip


def commit() -> str | None:
    """The commit of a checkout; None for an installed package."""
    return _git()["git_commit"]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def _git() -> dict[str, Any]:
    """The commit of a checkout, and whether it had changes; nothing for an installed package.

    Asked once: what a process runs is what it has imported.
    """
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return {"git_commit": None, "git_changed": None}
    try:
        commit, status = _ask_git(root, "rev-parse", "HEAD"), _ask_git(root, "status", "--porcelain")
    except (OSError, subprocess.TimeoutExpired):
        return {"git_commit": None, "git_changed": None}
    return {"git_commit": commit or None, "git_changed": bool(status)}


def _ask_git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, timeout=10, check=False)
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
