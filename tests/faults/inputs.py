"""What is typed, and files as somebody might send them: drawn by hypothesis, and judged in one way for all forms."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from pyarrow import parquet

from drift_cli import catalogue
from drift_cli import command as commands
from drift_cli.config.objects import settings_class
from drift_cli.data.array import Array
from drift_cli.errors import UserError
from drift_cli.plain_text import message
from drift_cli.shell.cli import main

LONG = "9" * 400

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


def keys(command: str) -> list[tuple[str, ...]]:
    """Every setting of a command with the words that choose its group, read off the classes: none is missed."""
    schema = commands.find(command).schema()
    found: list[tuple[str, ...]] = []
    for field in fields(schema):
        hint = get_type_hints(schema)[field.name]
        if field.name in catalogue.GROUPS:
            for name in catalogue.names(field.name):
                own = [each.name for each in fields(settings_class(field.name, name)) if each.name != "name"]
                found += [(f"{field.name}={name}", f"{field.name}.{key}") for key in own]
        elif block := next((each for each in (hint, *get_args(hint)) if hasattr(each, "__dataclass_fields__")), None):
            found += [(f"{field.name}.{each.name}",) for each in fields(block)]
        elif field.name != "resume":
            found.append((field.name,))
    return found


EVERY_KEY = [(command, *key) for command in commands.names() for key in keys(command)]
TYPED = st.tuples(st.sampled_from(EVERY_KEY), ODD).map(
    lambda drawn: [*drawn[0][:-1], f"{drawn[0][-1]}={drawn[1]}", "--cfg", "job"]  # composed and checked, not run
)


def wrong_of(words: list[str]) -> str:
    """What breaks the promise of `drift <words>`: done without a word on stderr, or refused in one bearable line."""
    told = io.StringIO()
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(told):
            status = main(words)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    lines = told.getvalue()
    if status not in (0, 2) or lines.count("\n") != (1 if status else 0) or len(lines) >= 3000:
        return f"status {status}, told {lines[:600]!r}"
    return ""


CELL = st.one_of(
    st.floats(-1e3, 1e3).map(lambda x: f"{x:.3g}"),
    st.sampled_from(["", "NA", "nan", "inf", "1e400", "-1e-400", "0x1", "1,5", "1.5.2", '"', '"1"', "'1'", "1;2", "١"]),
    st.sampled_from(["2024-01-01", "12:30", "true", "x", "\x00", "\ufeff", "\x1b[2J", "1 000", "1_000", "9" * 50]),
    st.text(max_size=5),
)
SEPARATOR = st.sampled_from([",", ";", "\t", " ", "  ", ", "])


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """A good table of text, in which a few things are otherwise."""
    separator, columns, rows = draw(SEPARATOR), draw(st.integers(1, 4)), draw(st.integers(1, 8))
    numbers = np.random.default_rng(draw(st.integers(0, 99))).normal(size=(rows, columns)).round(4)
    lines = [[str(cell) for cell in row] for row in numbers.tolist()]
    if draw(st.booleans()):
        lines.insert(0, draw(st.lists(CELL | st.text(max_size=4), min_size=columns, max_size=columns)))
    for _ in range(draw(st.integers(0, 4))):
        row = draw(st.integers(0, len(lines) - 1))
        place = draw(st.integers(0, len(lines[row])))
        match draw(st.integers(0, 4)):
            case 0 if lines[row]:
                lines[row][place - 1] = draw(CELL)
            case 1:
                lines[row].insert(place, draw(CELL))
            case 2 if lines[row]:
                del lines[row][place - 1]
            case 3:
                lines.insert(row, [])
            case _:
                lines[row] = [draw(SEPARATOR).join(lines[row])]
    end = draw(st.sampled_from(["\n", "\r\n", "\r", ""]))
    text = draw(st.sampled_from(["", "\ufeff", "\n", "# "])) + end.join(separator.join(line) for line in lines) + end
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "latin-1"])), "replace")


def _good(ending: str) -> bytes:
    points, written = np.random.default_rng(0).normal(size=(9, 2)), io.BytesIO()
    if ending == "npy":
        np.save(written, points)
    elif ending == "npz":
        np.savez(written, points=points)
    else:
        parquet.write_table(pa.table({"a": points[:, 0], "b": points[:, 1]}), written)
    return written.getvalue()


GOOD = {ending: _good(ending) for ending in ("npy", "npz", "parquet")}


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A file and its ending: a table of text, or a good file of which some bytes are others, missing, or too many."""
    ending = draw(st.sampled_from(["csv", "csv", "csv", *GOOD]))
    if ending == "csv":
        return ending, draw(texts())
    content = bytearray(GOOD[ending])
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(content) - 1, 0)))
        match draw(st.integers(0, 2)):
            case 0:
                content[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case 1:
                del content[place:]
            case _:
                content[place:place] = draw(st.binary(max_size=20))
    return ending, bytes(content)


def wrong_of_file(file: tuple[str, bytes], folder: Path) -> str:
    """What breaks the promise of reading a file: points that are finite, or a refusal of one bearable line."""
    place = folder / f"data.{file[0]}"
    place.write_bytes(file[1])
    try:
        target = Array(str(place), limit=10**6).target()
    except UserError as error:
        return "" if "\n" not in message(str(error)) and len(str(error)) < 3000 else f"told {error}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "" if bool(target.points.isfinite().all()) and target.size > 1 else "its points are not finite"


NODE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=5,
)
PARTS = ("summary.json", "provenance.json", "metrics.jsonl", "config.yaml", "checkpoints/*/state.json")


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, list[int], Any]:
    """A file of a run folder, the way to one of its values, and what stands there instead."""
    return draw(st.sampled_from(PARTS)), draw(st.lists(st.integers(0, 9), min_size=1, max_size=4)), draw(NODE)


def edited(content: Any, way: list[int], value: Any) -> Any:
    """The content with another value at the end of the way, as far as the way leads."""
    if not way or not isinstance(content, dict | list) or not content:
        return value
    names = list(content) if isinstance(content, dict) else list(range(len(content)))
    name = names[way[0] % len(names)]
    pairs = [(each, edited(content[each], way[1:], value) if each == name else content[each]) for each in names]
    return dict(pairs) if isinstance(content, dict) else [each for _, each in pairs]


def wrong_of_folder(edit: tuple[str, list[int], Any], run: Path) -> str:
    """What breaks the promise where a run folder has been edited: `table` and `sample` name it or go on.

    `run` is as it was in the end.
    """
    from omegaconf import OmegaConf

    part, way, value = edit
    kept = {place: place.read_bytes() for place in run.glob(part)}
    for place, content in kept.items():
        if place.suffix == ".yaml":
            whole = OmegaConf.to_container(OmegaConf.create(content.decode()))
            place.write_text(json.dumps(edited(whole, way, value)))  # JSON is YAML
        else:
            lines = content.decode().splitlines() if place.suffix == ".jsonl" else [content.decode()]
            place.write_text("\n".join(json.dumps(edited(json.loads(line), way, value)) for line in lines) + "\n")
    try:
        for words in (
            ["table", str(run.parent)],
            ["sample", f"run={run}", "n=3", f"out={run.parent / 'a.npy'}"],
        ):
            if wrong := wrong_of(words):
                return f"{words[0]}: {wrong}"
    finally:
        for place, content in kept.items():
            place.write_bytes(content)
    return ""
