"""How far a command is, as others read it."""

from __future__ import annotations

from pathlib import Path

from drift_cli.runs.progress import Progress


def test_it_counts_what_is_done_and_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert Progress.read(tmp_path) is None
    progress = Progress(0, 3, "")
    for at, doing in enumerate(("first", "second", "third")):
        progress = progress.next(doing)
        assert (progress.done, progress.total, progress.doing) == (at, 3, doing)
        progress.write(tmp_path)
        assert Progress.read(tmp_path) == progress
    assert progress.share == 2 / 3
    progress.remove(tmp_path)
    assert Progress.read(tmp_path) is None


def test_what_was_done_before_counts_and_a_total_that_is_too_small_grows() -> None:
    assert Progress(1, 9, "a").over(4) == Progress(5, 9, "a")
    assert Progress(1, 2, "a").next("b") == Progress(2, 3, "b")


def test_a_file_that_is_cut_short_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text('{"done": 1, "to')
    assert Progress.read(tmp_path) is None
    (tmp_path / "progress.json").write_text('{"other": 1}')
    assert Progress.read(tmp_path) is None
