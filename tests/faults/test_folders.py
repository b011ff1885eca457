"""Run folders that somebody edited, or sent: nothing outside them is touched, nothing in them is looked up."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from safetensors.torch import load_file, save_file

from drift_cli.errors import UserError
from drift_cli.files import locked, whole, write_json
from drift_cli.runs.folder import RunFolder
from drift_cli.shell.cli import main
from drift_cli.training import checkpoint
from tests.faults.inputs import edits, wrong_of_folder
from tests.problems.runs import train


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert train(folder) == 0
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    for file in (path for path in finished.rglob("*") if path.is_file()):
        place = tmp_path / "run" / file.relative_to(finished)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
    return tmp_path / "run"


PLACES = (".lock", "metrics.jsonl", "summary.json", "config.yaml.partial", "metrics.jsonl.partial", "samples/a.npy")


@pytest.mark.parametrize("place", PLACES)
def test_a_link_in_a_folder_is_refused_and_what_it_points_to_stays(
    place: str, run: Path, tmp_path: Path, capsys
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("years of work")
    (run / place).unlink(missing_ok=True)
    (run / place).symlink_to(precious)
    assert main(["train", f"resume={run}", "steps=20"]) == 2
    told = capsys.readouterr().err
    assert f"{run / place} is a symbolic link to {precious}" in told
    assert told.count("\n") == 1
    assert precious.read_text() == "years of work"


def test_a_linked_folder_of_checkpoints_is_refused(run: Path, tmp_path: Path, capsys) -> None:
    (run / "checkpoints").rename(tmp_path / "elsewhere")
    (run / "checkpoints").symlink_to(tmp_path / "elsewhere")
    before = sorted(tmp_path.joinpath("elsewhere").rglob("*"))
    assert main(["train", f"resume={run}", "steps=20"]) == 2
    assert "checkpoints is a symbolic link" in capsys.readouterr().err
    assert sorted(tmp_path.joinpath("elsewhere").rglob("*")) == before


def test_a_lock_empties_no_file_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("kept")
    with locked(tmp_path / "full") as first, locked(tmp_path / "full") as second:
        assert first is not None
        assert second is None
    assert (tmp_path / "full").read_text() == "kept"
    (tmp_path / "link").symlink_to(tmp_path / "full")
    with pytest.raises(UserError, match="cannot be opened as a lock"), locked(tmp_path / "link"):
        pass


def test_a_file_is_written_beside_its_place_and_never_through_a_link(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "a.json.partial").symlink_to(precious)
    write_json(tmp_path / "a.json", {"a": 1})
    assert precious.read_text() == "kept"
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}
    with suppress(ZeroDivisionError), whole(tmp_path / "a.json") as beside:
        beside.write_text("half")
        raise ZeroDivisionError
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ("seed: ${oc.env:HOME}", r"refers to ${oc.env:HOME}: the settings of a folder are data"),
        ("threads: ${steps}", "refers to ${steps}"),
        ("a: &a [1, 1]\nb: *a", "it uses YAML aliases"),
        ("x: " + "1" * 1_100_000, "settings may have 1,000,000 at most"),
        ("x: !!python/object/apply:os.system [touch owned]", "cannot be read as YAML"),
        ("[" * 3000, "cannot be read as YAML"),
    ],
    ids=["environment", "itself", "aliases", "large", "tag", "deep"],
)
def test_settings_that_somebody_sent_are_data(
    edit: str, told: str, run: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    config = (run / "config.yaml").read_text()
    key = edit.partition(":")[0]
    kept = [line for line in config.splitlines() if not line.startswith(f"{key}:")]
    (run / "config.yaml").write_text("\n".join([*kept, edit]))
    for words in (["train", f"resume={run}", "steps=20"], ["sample", f"run={run}", "n=3"]):
        assert main(words) == 2
        shown = capsys.readouterr().err
        assert told in shown
        assert os.environ["HOME"] not in shown.replace(str(tmp_path), "")
        assert len(shown) < 3000
    assert not (tmp_path / "owned").exists()


def test_lines_of_metrics_that_are_none_of_ours_are_passed_over(run: Path) -> None:
    folder = RunFolder(run)
    rows = folder.read_metrics()
    odd = ["[]", "3", '"text"', "{}", '{"step": "x"}', '{"step": 1.5}', '{"step": true}', "{" * 5000, "\\udc80", ""]
    with folder.metrics.open("a") as file:
        file.write("\n".join(odd) + "\n")
    with folder.metrics.open("ab") as file:
        file.write(b"\xff\xfe{\n")
    assert folder.read_metrics() == rows
    assert main(["table", str(run.parent)]) in (0, 2)


def test_checkpoints_are_in_the_order_of_their_steps(tmp_path: Path) -> None:
    for step in (99_999_999, 100_000_000, 5):
        (tmp_path / f"step_{step:08d}").mkdir()
    (tmp_path / "step_00000007.ab12.old").mkdir()
    (tmp_path / "step_best").mkdir()
    assert [checkpoint.step_of(place) for place in checkpoint.existing(tmp_path)] == [5, 99_999_999, 100_000_000]
    assert [place.name[:15] for place in checkpoint.set_aside_later(tmp_path, 99_999_999)] == ["step_100000000."]


ODD = (
    "",
    "[]",
    "3",
    "null",
    '"text"',
    "{}",
    "{",
    '{"step": "x"}',
    '{"command": 3, "seconds": []}',
    "[" * 3000,
    "\\xff",
)
FILES = ("summary.json", "provenance.json", "progress.json", "metrics.jsonl", "checkpoints/*/state.json")


# Each content in one of the files, and in all of them in the slow tests.
ODD_FILES = [
    pytest.param(file, content, marks=() if i % len(FILES) == j else pytest.mark.slow)
    for i, content in enumerate(ODD)
    for j, file in enumerate(FILES)
]


@pytest.mark.parametrize(("file", "content"), ODD_FILES)
def test_a_file_of_another_kind_is_named_or_passed_over(file: str, content: str, run: Path, capfd) -> None:
    for place in run.glob(file) if "*" in file else [run / file]:
        place.write_text(content)
    for words in (["table", str(run.parent)], ["sample", f"run={run}", "n=3", f"out={run.parent / 'a.npy'}"],
                  ["train", f"resume={run}", "steps=14"]):  # fmt: skip
        status = main(words)
        shown = capfd.readouterr().err
        assert status in (0, 2), words
        assert "Traceback" not in shown
        assert shown.count("\n") == (1 if status else 0)


KINDS = ("bool", "text", "list", "huge", "negative")
KEYS = ("step", "seconds", "seed", "space", "tally", "format")
WRONG_TYPES = [  # each kind of value and each key once, and all of them in the slow tests
    pytest.param(key, kind, marks=() if i % len(KINDS) == j else pytest.mark.slow)
    for i, key in enumerate(KEYS)
    for j, kind in enumerate(KINDS)
]


@pytest.mark.parametrize(("key", "kind"), WRONG_TYPES)
def test_a_state_with_a_wrong_type_is_named(key: str, kind: str, run: Path, capfd) -> None:
    wrong = {"bool": True, "text": "x", "list": [[1]], "huge": 10**400, "negative": -1}[kind]
    for place in run.glob("checkpoints/*/state.json"):
        place.write_text(json.dumps({**json.loads(place.read_text()), key: wrong}))
    for words in (
        ["sample", f"run={run}", "n=3", f"out={run.parent / 'a.npy'}"],
        ["train", f"resume={run}", "steps=14"],
    ):
        status = main(words)
        shown = capfd.readouterr().err
        assert status in (0, 2), words
        assert "Traceback" not in shown
        assert shown.count("\n") == (1 if status else 0)


@pytest.mark.parametrize("tensors", ["model", "ema", "optimizer"])
def test_flipped_bytes_are_found(tensors: str, run: Path, capfd) -> None:
    for place in run.glob(f"checkpoints/*/{tensors}.safetensors"):
        content = bytearray(place.read_bytes())
        content[-5] ^= 0x40
        place.write_bytes(bytes(content))
    assert main(["train", f"resume={run}", "steps=14"]) == 2
    shown = capfd.readouterr().err
    assert f"{tensors}.safetensors" in shown
    assert "has changed since it was written" in shown


def test_what_a_killed_run_left_half_written_is_swept_when_it_goes_on(run: Path) -> None:
    left = [run / "checkpoints/step_00000010.partial/model.safetensors", run / "samples/step_00000009.npy.partial",
            run / "config.yaml.partial", run / "figures/curves.png.partial"]  # fmt: skip
    for file in left:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"half")
    assert main(["train", f"resume={run}", "steps=14"]) == 0
    assert not list(run.rglob("*.partial*"))


def test_a_checkpoint_with_a_number_that_is_not_finite_is_neither_gone_on_from_nor_offered(run: Path, capfd) -> None:
    *earlier, last = checkpoint.existing(run / "checkpoints")
    for place, tensors in ((last, "optimizer"), (earlier[-1], "ema")):
        spoil(place, tensors)
    for words in (["train", f"resume={run}", "steps=14"], ["train", f"resume={earlier[-1]}", "steps=14"]):
        assert main(words) == 2
        told = capfd.readouterr().err
        assert "contains non-finite numbers" in told
        assert "There is no good checkpoint before it." in told
        assert told.count("\n") == 1
    assert checkpoint.last_sound(run / "checkpoints") is None


def test_the_one_that_is_offered_is_the_last_good_one(run: Path, capfd) -> None:
    assert main(["train", f"resume={run}", "steps=16", "checkpoint.every=2", "checkpoint.keep=9"]) == 0
    kept = checkpoint.existing(run / "checkpoints")
    spoil(kept[-1], "model")
    (kept[-2] / "ema.safetensors").write_bytes(b"cut short")
    capfd.readouterr()
    assert main(["train", f"resume={run}", "steps=20"]) == 2
    assert f"The one before it: resume={kept[-3]}." in capfd.readouterr().err
    assert main(["train", f"resume={kept[-3]}", "steps=20"]) == 0


def spoil(place: Path, tensors: str) -> None:
    """One number of a checkpoint becomes NaN, with a checksum as if it had been written so."""
    file = place / f"{tensors}.safetensors"
    content = load_file(file)
    next(iter(content.values())).view(-1)[0] = float("nan")
    save_file(content, file)
    state = json.loads((place / "state.json").read_text())
    state["sha256"][file.name] = checkpoint.sha256(file)
    (place / "state.json").write_text(json.dumps(state))


@given(edit=edits())
@settings(max_examples=10, deadline=None, derandomize=True)
def test_any_value_of_any_file_of_a_folder_is_named_or_passed_over(edit: tuple, finished: Path) -> None:
    assert wrong_of_folder(edit, finished) == ""
