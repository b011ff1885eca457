"""No room for a file, and figures that cannot be drawn: nothing that stood before is lost, nothing is half there."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from drift_cli.data import tables
from drift_cli.figures.attempts import Drawing, each_drawn
from drift_cli.files import write_array, write_json
from drift_cli.shell.cli import main

POINTS = np.random.default_rng(0).normal(size=(5000, 2))


def limited(write: str, place: Path) -> None:
    """Write under a limit of the size of files; the exit status is the error number."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        if write == "json":
            write_json(place, POINTS.tolist())
        elif write == "array":
            write_array(place, POINTS)
        else:
            tables.write(place, POINTS, ("a", "b"), np.arange(5000))
    except OSError as error:
        raise SystemExit(error.errno) from error


@pytest.mark.parametrize("write", ["json", "array", "npy", "csv", "parquet"])
@pytest.mark.parametrize("before", ["", "what stood there"])
def test_a_file_that_has_no_room_is_not_there_and_what_stood_there_is(write: str, before: str, tmp_path: Path) -> None:
    place = tmp_path / f"a.{write}"
    if before:
        place.write_text(before)
    child = multiprocessing.get_context("fork").Process(target=limited, args=(write, place))
    child.start()
    child.join()
    assert child.exitcode == 27  # EFBIG
    assert (place.read_text() if before else place.exists()) == (before or False)
    assert [each.name for each in tmp_path.iterdir()] == ([place.name] if before else [])


class Unforeseen(Exception):
    """Of a library, with a message that is not for users."""


def test_a_figure_that_cannot_be_drawn_costs_no_other_and_is_told_in_a_line(tmp_path: Path) -> None:
    def drawings() -> Iterator[Drawing]:
        yield "first", lambda: tmp_path / "first.png"
        yield "second", fail
        yield "third", lambda: tmp_path / "third.png"
        fail()  # in the midst of getting ready
        yield "fourth", lambda: tmp_path / "fourth.png"

    def fail() -> Path:
        raise Unforeseen("no\nfont\x1b[2J")

    told: list[str] = []
    assert list(each_drawn(drawings(), told.append)) == ["first", "third"]
    assert len(told) == 2
    assert "the figure second could not be drawn; everything else is kept: no font\\x1b[2J" in told[0]
    assert all("\n" not in line for line in told)


@pytest.mark.slow
def test_a_study_whose_figures_cannot_be_drawn_keeps_its_numbers(tmp_path: Path, monkeypatch, capsys) -> None:
    from matplotlib.figure import Figure

    words = ["verify-radial", "dimensions=[2,4,8]", "fit_from=2", "queries=2", "samples=64", "repeats=2",
             "dmd_points=3", "decomposition_samples=50", "low_dimensions=[2]",
             "low_temperatures=[0.01,0.003,0.001]"]  # fmt: skip
    assert main([*words, f"hydra.run.dir={tmp_path / 'usual'}"]) == 0

    def fail(*_: object, **__: object) -> None:
        raise Unforeseen("no font")

    monkeypatch.setattr(Figure, "savefig", fail)
    capsys.readouterr()
    assert main([*words, f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    assert capsys.readouterr().out.count("could not be drawn; everything else is kept: no font") == 4
    for file in ("summary.json", *(f"data/{place.name}" for place in (tmp_path / "usual/data").iterdir())):
        assert (tmp_path / "run" / file).read_bytes() == (tmp_path / "usual" / file).read_bytes()
