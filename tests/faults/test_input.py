"""What is typed: whatever stands in a setting, the answer is one line and exit 2, before any work."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_cli import catalogue
from drift_cli import command as commands
from drift_cli.config.objects import settings_class
from drift_cli.shell.cli import main
from drift_cli.shell.words import quoted, readable

LONG = "9" * 400


def keys() -> list[tuple[str, ...]]:
    """Every setting of `drift train` with the words that choose its group, read off the classes: none is missed."""
    schema = commands.find("train").schema()
    found: list[tuple[str, ...]] = []
    for field in fields(schema):
        hint = get_type_hints(schema)[field.name]
        if field.name in catalogue.GROUPS:
            for name in catalogue.names(field.name):
                own = [each.name for each in fields(settings_class(field.name, name)) if each.name != "name"]
                found += [(f"{field.name}={name}", f"{field.name}.{key}") for key in own]
        elif hasattr(hint, "__dataclass_fields__"):
            found += [(f"{field.name}.{each.name}",) for each in fields(hint)]
        elif field.name != "resume":
            found.append((field.name,))
    return found


ODD = st.one_of(
    st.sampled_from(
        [LONG, f"-{LONG}", f"1e{LONG}", "10" * 15, "nan", "inf", "-1", "[]", "{}", "{a: 1}", "[[1]]", "[{a: 1}]"]
    ),
    st.sampled_from(
        ["null", "''", "~", "a,b", "größe", "a b", "\\", "a\\", "${steps}", "${oc.env:HOME}", "${", "!!int 3"]
    ),
    st.sampled_from(["true", "[1,x]", "[null]", "'[/b]'", '"\x1b[2J"', "n" * 300, "0x10", "1_000", "1e-400", "²"]),
    st.integers(min_value=-(10**40), max_value=10**40).map(str),
    st.floats().map(repr),
    st.text(max_size=12),
)


@given(key=st.sampled_from(keys()), value=ODD)
@settings(
    max_examples=250, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_value_of_any_setting_is_taken_or_refused_in_one_line(key: tuple[str, ...], value: str, capfd) -> None:
    *choice, name = key
    status = main(["train", *choice, f"{name}={value}", "--cfg", "job"])  # composed, not run
    shown = capfd.readouterr().err
    assert status in (0, 2)
    assert "Traceback" not in shown
    assert shown.count("\n") == (1 if status else 0)
    assert len(shown) < 3000


@given(key=st.sampled_from(keys()), value=ODD)
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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
        (f"train steps={LONG}", "steps must be below 2^63 in size, got a number of 400 digits"),
        (f"train kernel.bandwidth={LONG}", "kernel.bandwidth must be below 2^63 in size"),
        (f"train {'n' * 300}=3", "of 300 characters"),
        ("train generator.widths=[60000,60000,60000]", "are 7,200,000,000 weights, above the 1,000,000,000"),
        ("train dataset=gaussian_mixture dataset.modes=1000000000", "dataset.modes must be from 1 to 10000"),
        ("train evaluation.points=1000000000000", "evaluation.points must be from 1 to 1e+07"),
        (f"sample run=x n={LONG}", "n must be below 2^63 in size"),
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
