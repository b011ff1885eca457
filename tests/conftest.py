"""Shapes in annotations are checked while the tests run (not for users): jaxtyping's hook comes before any import."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from jaxtyping import config as shape_checks
from jaxtyping import install_import_hook

_MATHEMATICS = ("fused.mean", "fused.eager", "drift", "metrics")
install_import_hook([f"drift_cli.{name}" for name in _MATHEMATICS], "beartype.beartype")

import pytest  # noqa: E402
import torch  # noqa: E402

if not torch.cuda.is_available():  # Triton's interpreter runs the GPU's loop on the CPU; read when Triton is imported
    os.environ.setdefault("TRITON_INTERPRET", "1")


_WHOLE_COMMANDS = {"cli", "commands", "faults", "report", "runs", "studies", "test_catalogue"}


@pytest.fixture(autouse=True, scope="module")
def shapes(request: pytest.FixtureRequest) -> None:
    """Shapes are checked where the mathematics is tested: they would make whole commands half as slow again."""
    shape_checks.update("jaxtyping_disable", request.module.__name__.split(".")[1] in _WHOLE_COMMANDS)


@pytest.fixture(autouse=True, scope="module")
def figures(request: pytest.FixtureRequest) -> Iterator[None]:
    """Blank figures, but in modules that say `DRAWN = True`."""
    if getattr(request.module, "DRAWN", False):
        yield
        return
    from tests.problems.blank import blank_figures

    with blank_figures():
        yield


@pytest.fixture
def rng() -> torch.Generator:
    """One stream per test; nothing below depends on its seed."""
    return torch.Generator().manual_seed(20260309)


@pytest.fixture
def plane(rng: torch.Generator):
    """Points of the plane in float64: `plane(n)` is standard normal."""

    def draw(n: int, d: int = 2) -> torch.Tensor:
        return torch.randn(n, d, generator=rng, dtype=torch.float64)

    return draw


@pytest.fixture
def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """`refusal(*words)` is what `drift <words>` says when it refuses: exit status 2, one line, and nothing is left.

    The line is that of standard error, without its `drift: `; nothing is on standard output.
    """
    from drift_cli.shell.cli import main

    def ask(*words: str) -> str:
        monkeypatch.chdir(tmp_path)
        before = sorted(tmp_path.rglob("*"))
        capsys.readouterr()
        assert main(list(words)) == 2
        said, told = capsys.readouterr()
        assert said == ""
        assert told.startswith("drift: ")
        assert told.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before
        return told.removeprefix("drift: ").removesuffix("\n")

    return ask
