"""The mathematics stands alone: it imports no settings, no Hydra, no figures and no terminal."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import drift_cli

MATHEMATICS = ("kernels", "fused", "drift", "discrepancy", "transport", "schedules", "generator", "data", "metrics",
               "theory", "ranks", "optimizers", "learned", "judging", "space", "design", "features")  # fmt: skip
FOREIGN = (
    "hydra", "omegaconf", "rich", "matplotlib", "drift_cli.config", "drift_cli.shell", "drift_cli.command",
    "drift_cli.commands", "drift_cli.studies", "drift_cli.runs", "drift_cli.report", "drift_cli.figures",
    "drift_cli.training",
)  # fmt: skip

# The libraries are imported once; each package in a fork, where nothing of this project is imported yet.
_ASK = """
import os, sys
from importlib import import_module
import numpy, scipy, torch
for package in sys.argv[2:]:
    if os.fork() == 0:
        for name in package.split(","):
            import_module(name)
        found = [name for name in sys.argv[1].split(",") if name in sys.modules]
        os.write(1, (package.split(",")[0] + " " + ",".join(found) + chr(10)).encode())
        os._exit(0)
    if os.wait()[1]:
        sys.exit(1)
"""


def modules(package: str) -> list[str]:
    folder = [f"{next(iter(drift_cli.__path__))}/{package}"]
    inside = [each.name for each in pkgutil.walk_packages(folder, f"drift_cli.{package}.")]
    return [f"drift_cli.{package}", *(name for name in inside if "gpu_" not in name and "_native" not in name)]


def imported(*packages: str) -> dict[str, str]:
    """Which of the foreign modules each package brings in, by its first name."""
    done = subprocess.run([sys.executable, "-c", _ASK, ",".join(FOREIGN), *packages], capture_output=True, text=True,
                          check=True, timeout=120)  # fmt: skip
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def test_it_imports_no_settings() -> None:
    every = {f"drift_cli.{package}": "" for package in MATHEMATICS}
    assert imported(*(",".join(modules(package)) for package in MATHEMATICS)) == every


def test_the_question_can_be_answered_otherwise() -> None:
    assert "omegaconf" in imported("drift_cli.config")["drift_cli.config"]
