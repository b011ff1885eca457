"""The page that shows which claims hold: one self-contained HTML file, and the same as Markdown.

Nothing here decides, and no study is known by name: each verdict is `claims.judge` over the summary.json of a part.
"""

from __future__ import annotations

import base64
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from drift_cli.files import read_json, whole
from drift_cli.report import claims, papers, reported, sizes
from drift_cli.report.claims import Claim, Judgement, Verdict
from drift_cli.report.experiments import SIZES, Experiment, Figure
from drift_cli.report.papers import Paper
from drift_cli.report.reported import AGREES, DISAGREES, INCOMPARABLE, Beside, Compared, Interval
from drift_cli.report.sizes import Row, Summaries

VERDICTS = tuple(Verdict)
_DPI, _SHOWN_DPI = 160, 100  # of a picture (matplotlib's), and on the page
_MOST_PIXELS = 3e6  # of a picture; a larger one, a table of scatter plots, is shrunk and as large on the page


@dataclass(frozen=True)
class Part:
    """One experiment at one size as the page sees it. `absent`: why there is no result, empty where there is one."""

    experiment: Experiment
    size: str
    path: Path
    absent: str
    seconds: float

    @property
    def name(self) -> str:
        return self.experiment.name

    @property
    def command(self) -> str:
        return self.experiment.shown(self.size)

    @cached_property
    def summary(self) -> dict[str, float]:
        return {} if self.absent else read_json(self.path / "summary.json")

    @cached_property
    def provenance(self) -> dict[str, Any]:
        return {} if self.absent else read_json(self.path / "provenance.json")

    @property
    def took(self) -> str:
        return duration(self.seconds)


@dataclass(frozen=True)
class Entry:
    """A claim with its verdict, and the part that decides it (None: there is none)."""

    judgement: Judgement
    part: Part | None

    @property
    def claim(self) -> Claim:
        return self.judgement.claim

    @property
    def kind(self) -> Verdict:
        return self.judgement.verdict

    @property
    def reason(self) -> str:
        return self.judgement.reason

    @property
    def told(self) -> str:
        return self.judgement.told

    @property
    def where(self) -> str:
        return self.claim.where

    @property
    def paper(self) -> str:
        """Whose claim it is."""
        authors = {"ours": "this project"} | {paper.id: paper.authors for paper in papers.load()}
        return authors.get(self.claim.paper, self.claim.paper)

    @property
    def measured(self) -> str:
        return _measured(self.judgement.value, self.judgement.interval)

    @property
    def criterion(self) -> str:
        """In words that a reader takes in: ≤ 1e-12, between −0.55 and −0.45."""
        text = self.claim.criterion
        if ".." in text:
            return "between " + " and ".join(_minus(end.strip()) for end in text.split(".."))
        return _minus(text.replace("<=", "≤").replace(">=", "≥"))

    @property
    def source(self) -> str:
        """The number's place: a file and its field."""
        return f"{self.part.name}/summary.json → {self.claim.field}" if self.part else self.claim.field


@dataclass(frozen=True)
class Quoted:
    """A number that a digest of the paper reports, with the part that measured it (None: there is none)."""

    beside: Beside
    part: Part | None

    @property
    def verdict(self) -> str:
        return self.beside.verdict

    @property
    def measured(self) -> str:
        return _measured(self.beside.nearest.value, self.beside.nearest.interval)

    @property
    def value(self) -> str:
        """In mathematical signs, for readers."""
        return _minus(self.beside.reported.value.replace("<=", "≤").replace(">=", "≥"))

    @property
    def agreeing(self) -> list[str]:
        """The open settings that agree, each with its number."""
        return [f"{self._setting(each)}: {_measured(each.value, each.interval)}" for each in self.beside.agreeing]

    @property
    def range(self) -> str:
        """From the least to the greatest over the open settings."""
        return "" if self.beside.range is None else " to ".join(number(end) for end in self.beside.range)

    @property
    def source(self) -> str:
        field = self.beside.reported.field
        return f"{self.part.name}/summary.json → {field}" if self.part and field else field

    def _setting(self, each: Compared) -> str:
        told = each.field.removeprefix(self.beside.reported.scan).strip("._").replace("_", " ")
        return re.sub(r"(?<!\d)\.|\.(?!\d)", ", ", told)  # but the point of a number


@dataclass(frozen=True)
class Shown:
    """A figure with the claims that it shows; `figure` is None for claims that no figure shows."""

    figure: Figure | None
    pictures: list[tuple[str, str]]  # file and alternative text of those that are there
    entries: list[Entry]


@dataclass(frozen=True)
class Report:
    """Everything on the page. `orphans`: claims that no experiment decides, untestable ones among them.

    `quoted`: what a digest reports, with our numbers; `by_size`: the claims of training at every size that has results.
    """

    size: str
    parts: list[Part]
    sections: list[tuple[Part, list[Shown]]]
    orphans: list[Entry]
    cores: int
    wall_seconds: float
    quoted: list[Quoted]
    by_size: list[Row]

    @classmethod
    def of(
        cls,
        parts: list[Part],
        size: str,
        cores: int,
        wall_seconds: float,
        other_sizes: Mapping[str, Summaries] | None = None,
    ) -> Report:
        """Judge every claim once, from the first part whose command it names and whose summary has its field.

        `other_sizes`: the summaries of the parts at other sizes, where there are any, by size and name of the part.
        """
        of_claim: dict[str, Part] = {}
        for claim in claims.load():
            own = [part for part in parts if part.experiment.command == claim.command]
            measured = [part for part in own if claim.field in part.summary]
            if own:
                of_claim[claim.id] = (measured or own)[0]
        sections = []
        for part in parts:
            judged = {each.claim.id: each for each in claims.judge(part.experiment.command, part.summary)}
            entries = {name: _entry(each, part) for name, each in judged.items() if of_claim[name] is part}
            sections.append((part, _shown(part, entries)))
        orphans = [
            _entry(Judgement(claim, Verdict.UNTESTED), None) for claim in claims.load() if claim.id not in of_claim
        ]
        here = [(part.experiment.command, part.summary) for part in parts if not part.absent]
        by_size = sizes.compare({**(other_sizes or {}), size: here})
        return cls(size, parts, sections, orphans, cores, wall_seconds, _quoted(parts), by_size)

    @property
    def entries(self) -> list[Entry]:
        return [entry for _, shown in self.sections for each in shown for entry in each.entries] + self.orphans

    @property
    def finished(self) -> list[Part]:
        return [part for part in self.parts if not part.absent]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(entry.kind for entry in self.entries)
        return {verdict: found[verdict] for verdict in VERDICTS}

    @property
    def by_paper(self) -> list[tuple[str, list[int]]]:
        """How many of each verdict, by whose claim it is; checks that a test can fail are counted apart."""
        rows = [(paper.authors, paper.id, False) for paper in self.papers]
        rows += [("Found here", "ours", False), ("Controls", "", True)]
        found = []
        for title, paper, control in rows:
            own = [e for e in self.entries if e.claim.control == control and paper in ("", e.claim.paper)]
            if own:
                found.append((title, [sum(e.kind == verdict for e in own) for verdict in VERDICTS]))
        return found

    @property
    def papers(self) -> Sequence[Paper]:
        """The papers whose claims are tested, each with the version that the claims are of."""
        return papers.load()

    @property
    def quoted_counts(self) -> dict[str, int]:
        found = Counter(each.verdict for each in self.quoted)
        return {verdict: found[verdict] for verdict in (AGREES, DISAGREES, INCOMPARABLE)}

    @property
    def facts(self) -> list[tuple[str, str]]:
        """On which machine, how long, with what."""
        origins = [part.provenance for part in self.finished]
        if not origins:
            return [("Size", self.size), ("Parts", f"0 of {len(self.parts)} finished")]
        commits = {(str(o.get("git_commit") or "")[:10], bool(o.get("git_changed"))) for o in origins}
        told = ", ".join(sorted(f"{name}{' with changes' * changed}" for name, changed in commits if name))
        first, last = min(o["started"] for o in origins), max(o["finished"] for o in origins)
        libraries = origins[0].get("libraries", {})
        keeps = any(self.size in part.experiment.records for part in self.finished)
        earlier = " (excluding kept runs from earlier sessions)" if keeps else ""
        return [
            ("Size", self.size),
            ("Parts", f"{len(self.finished)} of {len(self.parts)} finished"),
            ("Machine", f"{_one_of(o['device_name'] for o in origins)}, {self.cores} cores in use"),
            ("Time", f"{duration(self.wall_seconds)}{earlier}, {_span(first, last)}"),
            ("Version", _one_of(f"drift {o['drift']}" for o in origins) + (f", commit {told}" if told else "")),
            ("Software", f"Python {_one_of(o['python'] for o in origins)}, torch {libraries.get('torch')}, "
                         f"numpy {libraries.get('numpy')}, {_one_of(o['loops'] for o in origins)} loops"),
        ]  # fmt: skip


def _entry(judgement: Judgement, part: Part | None) -> Entry:
    """With the reason why there is no measurement, where there is none."""
    if judgement.claim.untestable:
        reason = judgement.claim.untestable
    elif part is None:
        reason = f"no part of this reproduction runs drift {judgement.claim.command}"
    elif part.absent:
        reason = part.absent
    elif judgement.value is None:
        reason = f"the runs at this size do not measure it ({judgement.claim.field})"
    else:
        return Entry(judgement, part)
    return Entry(replace(judgement, reason=reason), part)


def _quoted(parts: list[Part]) -> list[Quoted]:
    """Each reported number from the first part whose command measures it and whose summary has its field."""
    found = []
    for each in reported.load():
        own = [part for part in parts if part.experiment.command == each.command]
        measured = [part for part in own if each.field in part.summary]
        part = next(iter([*measured, *own]), None)
        found.append(Quoted(reported.compare(each, part.summary if part else {}), part))
    return found


def _shown(part: Part, entries: dict[str, Entry]) -> list[Shown]:
    """The part's claims figure by figure; those that no figure names come last."""
    left, found = dict(entries), []
    for figure in part.experiment.figures:
        own = [left.pop(name) for name in figure.claims if name in left]
        there = [] if part.absent else [i for i in figure.images if (part.path / i.file).is_file()]
        if own or there:
            found.append(Shown(figure, [(image.file, image.alt) for image in there], own))
    return [*found, Shown(None, [], list(left.values()))] if left else found


def pictures(part: Part) -> dict[str, bytes]:
    """The part's pictures that the page shows, by file: PNG with a palette, a third of their size."""
    files = [image.file for figure in part.experiment.figures for image in figure.images]
    return {file: _small(part.path / file) for file in files if (part.path / file).is_file()}


def _small(path: Path) -> bytes:
    from PIL import Image

    with Image.open(path) as picture:
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
        scale = min(1.0, math.sqrt(_MOST_PIXELS / (flat.width * flat.height)))
        if scale < 1:
            flat = flat.resize((round(scale * flat.width), round(scale * flat.height)), Image.Resampling.LANCZOS)
        written = io.BytesIO()
        # The method that keeps the ends of a colour map: the default one merges rare colours into others.
        palette = flat.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
        palette.save(written, "PNG", optimize=True, dpi=(scale * _DPI, scale * _DPI))
    return written.getvalue()


def write(report: Report, folder: Path) -> list[Path]:
    """report.html and report.md in `folder`, each written whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in (("report.html", html(report)), ("report.md", markdown(report))):
        with whole(folder / name) as beside:
            beside.write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written


def html(report: Report) -> str:
    embedded = {}
    for part in report.finished:
        for file, content in pictures(part).items():
            embedded[part.name, file] = (base64.b64encode(content).decode(), *_size(content))
    return _template("page.html.jinja", autoescape=True).render(
        report=report,
        embedded=embedded,
        verdicts=VERDICTS,
        classes=dict(zip(VERDICTS, _CLASSES, strict=True)),
        quoted_classes={AGREES: "confirmed", DISAGREES: "refuted", INCOMPARABLE: "untested"},
        sizes=SIZES,
        source=reported.SOURCE,
    )


def markdown(report: Report) -> str:
    return _template("page.md.jinja", autoescape=False).render(
        report=report, verdicts=VERDICTS, sizes=SIZES, source=reported.SOURCE
    )


_CLASSES = ("confirmed", "conditional", "refuted", "untested")


def _size(png: bytes) -> tuple[int, int]:
    """Width and height on the page, so that nothing moves while it loads."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as picture:
        dpi = picture.info.get("dpi", (_DPI, _DPI))
        return round(picture.width * _SHOWN_DPI / dpi[0]), round(picture.height * _SHOWN_DPI / dpi[1])


def _template(name: str, *, autoescape: bool) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    return environment.get_template(name)


def _cell(text: str) -> str:
    """Text of a Markdown table: no bar ends the cell, no star or bracket starts anything."""
    return "".join(f"\\{sign}" if sign in "|*_[]<>`\\" else sign for sign in " ".join(str(text).split()))


def _measured(value: float | None, interval: Interval | None) -> str:
    """A number with its interval in brackets."""
    if value is None:
        return "–"
    return number(value) + (" [{}, {}]".format(*map(number, interval)) if interval is not None else "")


def number(value: float) -> str:
    """Three digits; of a value that is all but 1, how far it is from it."""
    if not math.isfinite(value):
        return str(value)
    if value != 1 and f"{value:.3g}" == "1":
        return _minus(f"1 {'-' if value < 1 else '+'} {abs(1 - value):.2g}")
    if 1000 <= abs(value) < 1e6:
        return _minus(f"{float(f'{value:.3g}'):,.0f}")
    return _minus(f"{value:.3g}")


def _minus(text: str) -> str:
    return text.replace("-", "−")


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _span(first: str, last: str) -> str:
    """From one moment to another, both as ISO 8601 in UTC; the day once where it is the same."""
    (day, began), (other, ended) = (text[:16].split("T") for text in (first, last))
    return f"{day}, {began} to {ended} UTC" if day == other else f"{day} {began} to {other} {ended} UTC"


def _one_of(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))
