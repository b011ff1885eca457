"""The mathematics stands alone: it imports no settings, no Hydra, no figures and no terminal."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import drift_cli

MATHEMATICS = ("kernels", "fused", "drift", "discrepancy", "transport", "schedules", "generator", "data", "metrics",
               "theory", "ranks", "optimizers", "learned", "judging", "space", "design")  # fmt: skip
FOREIGN = (
    "hydra", "omegaconf", "rich", "matplotlib", "drift_cli.config", "drift_cli.shell", "drift_cli.command",
    "drift_cli.commands", "drift_cli.studies", "drift_cli.runs", "drift_cli.report", "drift_cli.figures",
    "drift_cli.training",
)  # fmt: skip

_ASK = """
import sys
from importlib import import_module
for name in sys.argv[2:]:
    import_module(name)
print([name for name in sys.argv[1].split(",") if name in sys.modules])
"""


def modules(package: str) -> list[str]:
    folder = [f"{next(iter(drift_cli.__path__))}/{package}"]
    inside = [each.name for each in pkgutil.walk_packages(folder, f"drift_cli.{package}.")]
    return [f"drift_cli.{package}", *(name for name in inside if "gpu_" not in name and "_native" not in name)]


@pytest.mark.parametrize("package", MATHEMATICS)
def test_it_imports_no_settings(package: str) -> None:
    done = subprocess.run([sys.executable, "-c", _ASK, ",".join(FOREIGN), *modules(package)], capture_output=True,
                          text=True, check=True, timeout=120)  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_the_question_can_be_answered_otherwise() -> None:
    done = subprocess.run([sys.executable, "-c", _ASK, ",".join(FOREIGN), "drift_cli.config"], capture_output=True,
                          text=True, check=True, timeout=120)  # fmt: skip
    assert "omegaconf" in done.stdout
