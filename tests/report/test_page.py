"""The page of `drift paper`: what it says is what was measured, and it works in a real browser."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Page as Opened

from drift_cli import command as commands
from drift_cli.commands.paper.parts import asked
from drift_cli.report import claims, experiments, page
from drift_cli.report.claims import Verdict
from drift_cli.report.experiments import SIZES

NASTY = "a < b & c | <script>alert(1)</script> *d* {{ e }}"  # as a failed part's last words may be


class Page(HTMLParser):
    """What a reader of the file sees: claims with verdict and value, images, and every address in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.claims: dict[str, str] = {}
        self.values: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.tags: Counter[str] = Counter()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags[tag] += 1
        self.addresses += [found[key] or "" for key in ("src", "srcset", "data", "action") if key in found]
        if tag == "link":
            self.addresses.append(found["href"] or "")
        if tag == "img":
            self.images.append(found)
        if tag == "article":
            assert found["id"] not in self.claims
            self.claims[found["id"] or ""] = found["data-verdict"] or ""
        if "data-value" in found:
            self.values.append(found["data-value"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def parts(tmp_path: Path) -> list[page.Part]:
    """Every part with numbers on the good side of each criterion, save the last, which did not run."""
    found = []
    every = experiments.load()
    for each in every:
        path = tmp_path / each.name
        absent = f"its part failed: {NASTY}" if each is every[-1] else ""
        found.append(page.Part(each, "quick", path, absent, 12.0))
        if absent:
            continue
        (path / "figures").mkdir(parents=True)
        numbers = {claim.field: _inside(claim.criterion) for claim in claims.of(each.command)}
        (path / "summary.json").write_text(json.dumps(numbers))
        origin = {
            "drift": "0.1.0", "git_commit": "0123456789abcdef", "git_changed": False, "started": "2026-01-01T10:00:00",
            "finished": "2026-01-01T11:00:00", "device_name": "a machine", "python": "3.12", "loops": "eager",
            "libraries": {"torch": "2", "numpy": "2"},
        }  # fmt: skip
        (path / "provenance.json").write_text(json.dumps(origin))
        for image in (image for figure in each.figures for image in figure.images):
            Image.new("RGB", (320, 160), "white").save(path / image.file)
    return found


def _inside(criterion: str) -> float:
    """A number that satisfies the criterion."""
    if ".." in criterion:
        low, high = map(float, criterion.split(".."))
        return (low + high) / 2
    return float(criterion.split()[1])


def report(parts: list[page.Part]) -> page.Report:
    fresh = [page.Part(p.experiment, p.size, p.path, p.absent, p.seconds) for p in parts]  # read the files again
    return page.Report.of(fresh, "quick", 2, 60.0)


def test_every_claim_is_there_once_with_its_verdict(parts: list[page.Part]) -> None:
    shown = Page(page.html(report(parts)))
    assert list(shown.claims) != []
    assert sorted(shown.claims) == sorted(claim.id for claim in claims.load())
    for claim in claims.load():
        absent = claim.command == parts[-1].experiment.command
        measured = Verdict.CONDITIONAL if claim.condition else Verdict.CONFIRMED
        assert shown.claims[claim.id] == (Verdict.UNTESTED if absent or claim.untestable else measured)
    written = page.markdown(report(parts))
    for claim in claims.load():
        assert (claim.untestable or f"`{claim.field}`") in written
        assert claim.untestable in shown.text


def test_every_number_on_the_page_stands_in_a_summary(parts: list[page.Part]) -> None:
    known = {value for part in report(parts).parts for value in part.summary.values()}
    values = [value for value in Page(page.html(report(parts))).values if value]
    ran = {part.experiment.command for part in parts if not part.absent}
    assert len(values) == sum(claim.command in ran for claim in claims.load())
    assert {float(value) for value in values} <= known
    for entry in report(parts).entries:
        if entry.judgement.value is not None:
            file, _, field = entry.source.partition(" → ")
            assert json.loads((parts[0].path.parent / file).read_text())[field] == entry.judgement.value


def test_a_changed_measurement_changes_the_page(parts: list[page.Part]) -> None:
    before = Page(page.html(report(parts)))
    file = parts[0].path / "summary.json"
    numbers = json.loads(file.read_text())
    file.write_text(json.dumps(numbers | {"identity_max_error": 0.25}))
    after = Page(page.html(report(parts)))
    assert before.claims["score-identity"] == Verdict.CONFIRMED
    assert after.claims["score-identity"] == Verdict.REFUTED
    assert {k: v for k, v in before.claims.items() if k != "score-identity"} == {
        k: v for k, v in after.claims.items() if k != "score-identity"
    }
    assert "| not confirmed | Under a Gaussian kernel" in page.markdown(report(parts))
    del numbers["identity_max_error"]
    file.write_text(json.dumps(numbers))
    assert Page(page.html(report(parts))).claims["score-identity"] == Verdict.UNTESTED


def test_what_a_part_says_is_text_and_nothing_else(parts: list[page.Part]) -> None:
    written = page.html(report(parts))
    shown = Page(written)
    assert shown.tags["script"] == 1  # the page's own
    assert NASTY in shown.text
    row = next(line for line in page.markdown(report(parts)).splitlines() if "alert" in line and line.startswith("|"))
    assert "<script" not in row.replace("\\<script", "")
    assert len(re.findall(r"(?<!\\)\|", row)) == 7  # the bars of its six cells alone


def test_a_reconstructed_formula_is_called_so(parts: list[page.Part]) -> None:
    written = page.html(report(parts))
    for claim in claims.load():
        card = written[written.index(f'id="{claim.id}"') :].partition("</article>")[0]
        assert ("as reconstructed" in card) == claim.reconstructed


def test_it_needs_nothing_from_outside(parts: list[page.Part]) -> None:
    shown = Page(page.html(report(parts)))
    assert shown.images
    assert all((image["alt"] or "").strip() and image["width"] and image["height"] for image in shown.images)
    assert all(address.startswith("data:") for address in shown.addresses)
    assert "@import" not in page.html(report(parts))
    assert "url(" not in page.html(report(parts))


def test_without_any_result_the_page_is_whole(tmp_path: Path) -> None:
    nothing = [page.Part(each, "full", tmp_path, "its part was not run", 0.0) for each in experiments.load()]
    found = page.Report.of(nothing, "full", 0, 0.0)
    assert found.counts[Verdict.UNTESTED] == len(claims.load())
    assert set(Page(page.html(found)).claims.values()) == {Verdict.UNTESTED}
    assert "not run" in page.markdown(found)


def test_pictures_keep_their_colours(tmp_path: Path) -> None:
    """Ends of a colour map cover few pixels: the palette must not merge them into others."""
    colours = [(0, 34, 78), (124, 123, 120), (254, 232, 56), (213, 94, 0)]
    picture = Image.new("RGB", (400, 200), "white")
    for at, colour in enumerate(colours):
        picture.paste(colour, (10 * at, 0, 10 * at + 4, 4))
    picture.save(tmp_path / "picture.png")
    (tmp_path / "small.png").write_bytes(page._small(tmp_path / "picture.png"))
    with Image.open(tmp_path / "small.png") as small:
        for at, colour in enumerate(colours):
            pixel = small.convert("RGB").getpixel((10 * at + 1, 1))
            assert max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) <= 8


def test_a_large_picture_is_shrunk_and_shown_as_large(tmp_path: Path) -> None:
    for name, size in (("large", (1600, 4800)), ("small", (1600, 800))):
        Image.new("RGB", size, "white").save(tmp_path / f"{name}.png", dpi=(160, 160))
        content = page._small(tmp_path / f"{name}.png")
        with Image.open(io.BytesIO(content)) as shown:
            assert (shown.size == size) == (name == "small")
            assert shown.width * shown.height <= 3e6
        assert page._size(content) == (1000, size[1] * 1000 // 1600)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (2.741e-13, "2.74e−13"),
        (-0.5031, "−0.503"),
        (1.0, "1"),
        (1 - 2.8e-8, "1 − 2.8e−08"),
        (1.002, "1 + 0.002"),
        (-3066.2, "−3,070"),
    ],
)
def test_numbers_are_told_as_a_paper_would(value: float, told: str) -> None:
    assert page.number(value) == told


def test_the_experiments_are_whole() -> None:
    """Each runs a command that is there with settings that compose; what figures show are claims of that command."""
    every = experiments.load()
    named = [name for each in every for figure in each.figures for name in figure.claims]
    assert len(set(named)) == len(named)
    own = {claim.id: claim.command for claim in claims.load()}
    for each in every:
        assert commands.find(each.command).is_study
        assert {own[name] for figure in each.figures for name in figure.claims} <= {each.command}
        assert all(image.alt and figure.caption for figure in each.figures for image in figure.images)
        for size in SIZES:
            assert asked(each, size)
    decided = {claim.command for claim in claims.load() if not claim.untestable}
    assert decided <= {each.command for each in every}  # none is left out


# In a browser.


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The Chromium that is installed; the tests are skipped without one."""
    found = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
    if found is None:
        pytest.skip("no Chromium is installed to try the page in")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def address(parts: list[page.Part], tmp_path: Path) -> str:
    return page.write(report(parts), tmp_path / "page")[0].as_uri()


@pytest.fixture
def opened(chromium: Browser, address: str) -> Iterator[Opened]:
    """The page in a browser that must have nothing to complain of."""
    opened, complaints = chromium.new_page(), []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    opened.goto(address)
    yield opened
    assert complaints == []
    opened.close()


def test_it_renders_and_asks_nobody(chromium: Browser, address: str, parts: list[page.Part]) -> None:
    opened, asked_for = chromium.new_page(), []
    opened.on("request", lambda request: asked_for.append(request.url))
    opened.goto(address)
    assert opened.locator(".claim").count() == len(claims.load())
    images = opened.evaluate("[...document.images].map(i => [i.complete && i.naturalWidth > 0, i.alt.length > 0])")
    assert len(images) == len(Page(page.html(report(parts))).images)
    assert all(loaded and described for loaded, described in images)
    assert [url for url in asked_for if not url.startswith(("file:", "data:"))] == []
    opened.close()


def shown(opened: Opened) -> set[str]:
    """The verdicts of the claims that can be seen."""
    seen = "[...document.querySelectorAll('.claim')].filter(c => c.checkVisibility()).map(c => c.dataset.verdict)"
    return set(opened.evaluate(seen))


def test_filters_work_without_a_mouse(opened: Opened) -> None:
    every = shown(opened)
    assert every == {Verdict.CONFIRMED, Verdict.CONDITIONAL, Verdict.UNTESTED}
    buttons = opened.locator("#filters button")
    assert [each.get_attribute("data-filter") for each in buttons.all()] == list(page.VERDICTS)
    buttons.first.focus()
    opened.keyboard.press("Enter")
    assert shown(opened) == {Verdict.CONFIRMED}
    focused = opened.locator(":focus")
    assert focused.get_attribute("aria-pressed") == "true"
    opened.keyboard.press("Tab")
    opened.keyboard.press(" ")
    assert shown(opened) == {Verdict.CONFIRMED, Verdict.CONDITIONAL}
    opened.keyboard.press(" ")
    assert focused.get_attribute("aria-pressed") == "false"
    assert shown(opened) == {Verdict.CONFIRMED}
    number = opened.locator(".claim:not([hidden])").count()
    assert opened.get_by_role("status").inner_text().startswith(f"{number} of {len(claims.load())} claims")
    opened.locator("#showing button").click()
    assert shown(opened) == every


def test_it_is_whole_without_scripts(chromium: Browser, address: str) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        opened = context.new_page()
        opened.goto(address)
        assert opened.locator(".claim").count() == len(claims.load())
        assert opened.locator("#filters button").count() == 0
        assert opened.locator("#filters .tile").count() == len(page.VERDICTS)


@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_a_phone_and_a_screen(width: int, opened: Opened) -> None:
    opened.set_viewport_size({"width": width, "height": 800})
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
