"""What is typed: whatever stands in a setting, the answer is one line and exit 2, before any work."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_cli import command as commands
from drift_cli.shell.cli import main
from drift_cli.shell.words import quoted, readable
from tests.faults.inputs import EVERY_KEY, LONG, ODD, TYPED, files, keys, wrong_of, wrong_of_file

QUIET = {"deadline": None, "derandomize": True, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@given(words=TYPED)
@settings(max_examples=60, **QUIET)
def test_any_value_of_any_setting_of_any_command_is_taken_or_refused_in_one_line(words: list[str]) -> None:
    assert wrong_of(words) == ""


def test_every_command_s_settings_are_tried() -> None:
    assert {command for command, *_ in EVERY_KEY} == set(commands.names())
    assert ("train", "dataset=array", "dataset.limit") in EVERY_KEY
    assert ("stop-grad-study", "pairs.bandwidths") in EVERY_KEY
    assert len(EVERY_KEY) > 300


@given(file=files())
@settings(max_examples=100, **QUIET)
def test_a_file_is_read_as_finite_points_or_refused_in_one_line(file: tuple[str, bytes], tmp_path: Path) -> None:
    assert wrong_of_file(file, tmp_path) == ""


@given(key=st.sampled_from(keys("train")), value=ODD)
@settings(max_examples=25, **QUIET)
def test_and_so_it_is_when_it_is_typed_and_checked(
    key: tuple[str, ...], value: str, tmp_path_factory, monkeypatch, capfd
) -> None:
    from drift_cli.commands.train import run

    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
    monkeypatch.setattr(run, "run", lambda config, path: None)
    *choice, name = key
    status = main(["train", *choice, f"{name}={value}"])
    shown = capfd.readouterr().err
    assert status in (0, 2)
    assert "Traceback" not in shown
    assert shown.count("\n") == (1 if status else 0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("train generator.widths.0={a:1}", "each of generator.widths must be one value, got {'a': 1}"),
        ("train dataset=rings dataset.radii=[[1]]", "each of dataset.radii must be one value, got [1]"),
        ("stop-grad-study seeds.0={a:1}", "each of seeds must be one value"),
        (f"train steps={LONG}", "steps must be below 2^63 in absolute value, got a number with 400 digits"),
        (f"train kernel.bandwidth={LONG}", "kernel.bandwidth must be below 2^63 in absolute value"),
        (f"train {'n' * 300}=3", "of 300 characters"),
        ("train generator.widths=[60000,60000,60000]", "are 7,200,000,000 weights, above the 1,000,000,000"),
        ("train dataset=gaussian_mixture dataset.modes=1000000000", "dataset.modes must be from 1 to 10000"),
        ("train evaluation.points=1000000000000", "evaluation.points must be from 1 to 1e+07"),
        (f"sample run=x n={LONG}", "n must be below 2^63 in absolute value"),
    ],
)
def test_what_no_machine_meets_is_refused_before_any_work(
    words: str, told: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["größe.csv", "o/données", "two words.csv", "back\\slash", "end\\"])
def test_paths_that_the_grammar_has_no_word_for_are_quoted_for_the_user(
    name: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert readable(f"dataset.path={name}") == f"dataset.path={quoted(name)}"
    assert main(["train", "dataset=array", f"dataset.path={name}"]) == 2
    assert f"There is no file {tmp_path / name}" in capsys.readouterr().err
    assert readable("kernel=a,b") == "kernel=a,b"
    assert readable("x='größe'") == "x='größe'"
