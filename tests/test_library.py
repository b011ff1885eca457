"""What a Python user sees: public names, the examples, and a trained run that is loaded and sampled."""

from __future__ import annotations

import ast
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import drift_cli
from drift_cli.data import Space
from drift_cli.generator import Mlp
from drift_cli.shell.cli import main
from drift_cli.space import Identity
from drift_cli.trained import Trained
from tests.problems.runs import train
from tests.test_mathematics import MATHEMATICS

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_every_public_name_is_there_and_documented() -> None:
    for name in drift_cli.__all__:
        told = getattr(drift_cli, name).__doc__
        assert told, name
        assert not told.startswith(f"{name}("), name  # a dataclass without one has its signature
    with pytest.raises(AttributeError, match="drift_cli has no 'MeanShft'"):
        drift_cli.MeanShft  # noqa: B018


def test_what_the_mathematics_offers_is_documented() -> None:
    """Every class and function without an underscore, in the packages that a Python user imports."""
    root = Path(drift_cli.__file__).parent
    files = [file for package in MATHEMATICS for file in sorted((root / package).rglob("*.py"))]
    assert len(files) > 150
    missing = [
        f"{file.relative_to(root)}: {node.name}"
        for file in files
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        if not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert not missing


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("Laplace", (-1.0,), "Laplace.bandwidth must be a finite number above 0, got -1.0: give a length"),
        ("Gaussian", ("auto",), 'Gaussian.bandwidth must be a number, got "auto": only a run, which has data'),
        ("MeanShift", ("exlude",), 'MeanShift.self_term must be one of include, exclude, balanced, got "exlude". Did'),
        ("Sinkhorn", (0.1, 0.01, 0), "Sinkhorn.max_iter must be at least 1, got 0: give the most iterations"),
        (
            "MultiTemperature",
            (drift_cli.MeanShift("include"), (), False),
            "MultiTemperature.factors must name at least",
        ),
        ("Exponential", (0.0, 10), "Exponential.floor must be above 0 and at most 1, got 0.0"),
    ],
)
def test_an_object_obeys_the_rules_of_the_command_line(name: str, values: tuple, told: str) -> None:
    with pytest.raises(drift_cli.UserError) as refused:
        getattr(drift_cli, name)(*values)
    assert str(refused.value).startswith(told)


def test_to_import_it_costs_no_torch() -> None:
    asked = "import sys, drift_cli; dir(drift_cli); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_loop_of_ones_own_trains() -> None:
    before, after = runpy.run_path(str(EXAMPLES / "own_training_loop.py"))["train"](steps=200, batch=256)
    assert after < before / 5  # seen: a seventh; a drift that does nothing leaves it where it was


def test_every_kernel_spends_the_same_budget() -> None:
    """∫ λ d log k = 1, as λ = −d k̂/d log k; the ends of the grid cut off what a heavy tail has there: Laplace 1e-4."""
    for budget in runpy.run_path(str(EXAMPLES / "rates_of_a_kernel.py"))["budgets"]().values():
        assert budget == pytest.approx(1, abs=1e-3)


def test_a_trained_run_is_loaded_and_gives_the_samples_of_the_command(tmp_path: Path) -> None:
    assert train(tmp_path / "run") == 0
    out = tmp_path / "samples.npy"
    assert main(["sample", f"run={tmp_path / 'run'}", "n=50", "seed=3", f"out={out}"]) == 0
    trained = drift_cli.load(tmp_path / "run")
    assert isinstance(trained, torch.nn.Module)
    found = trained.sample(50, seed=3)
    np.testing.assert_array_equal(found.points.numpy(), np.load(out))
    assert found.labels is None
    assert not torch.equal(trained.sample(50, seed=4).points, found.points)
    with pytest.raises(drift_cli.UserError, match="trained without labels"):
        trained.sample(5, label=1)
    with pytest.raises(drift_cli.UserError, match="n must be at least 1"):
        trained.sample(0)
    with pytest.raises(drift_cli.UserError, match="device must be one of auto, cpu"):
        drift_cli.load(tmp_path / "run", device="tpu")
    with pytest.raises(drift_cli.UserError, match="There is no folder"):
        drift_cli.load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"the noise must be \[n, 4\], as the generator takes it, got \[3, 5\]"):
        trained(torch.zeros(3, 5))


def test_a_class_is_asked_for_by_its_name_before_its_number() -> None:
    space = replace(Space.unit(2), class_frequencies=(0.5, 0.5), class_names=("-2", "one"))
    generator = Mlp(2, (4,), 2, "relu", classes=2)
    trained = Trained(generator, Identity(), space, torch.device("cpu"))
    for label, number in (("one", 1), (-2, 0), ("-2", 0), (0, 0), (1, 1)):
        assert trained.sample(3, label=label).labels.tolist() == [number] * 3
    with pytest.raises(drift_cli.UserError, match=r"label must be one of -2, one, or a class from 0 to 1, got on. Did"):
        trained.sample(3, label="on")
    with pytest.raises(drift_cli.UserError, match="a class from 0 to 1, got 2"):
        trained.sample(3, label=2)
