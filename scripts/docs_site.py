"""What the documentation's site has beside docs/*.md, as hooks of MkDocs and an extension of mkdocstrings (mkdocs.yml).

README is its front page; the gallery comes from the studies' `parts.yaml`, the pages of the API from what
`drift_cli/__init__.py` names as public; formulas become MathML, which browsers draw without any script.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import Any

import griffe
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import drift_cli
from drift_cli.report import experiments

ROOT = Path(__file__).parent.parent
KEPT = "results/standard"
PAGES = {name: f"{name.split('.')[0].lower()}.md" for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")}
PAGES["README.md"] = "index.md"
MOVED = PAGES | {f"docs/results/{size}/report.html": f"results/{size}/page.html" for size in experiments.SIZES}
API = {
    "drift_cli.drift": ("drifts", "Drifts"),
    "drift_cli.kernels": ("kernels", "Kernels"),
    "drift_cli.schedules": ("schedules", "Schedules"),
    "drift_cli.fused": ("fused", "Sums over pairs"),
    "drift_cli.metrics.sliced_wasserstein": ("distance", "Distance"),
    "drift_cli.trained": ("trained", "Trained runs"),
    "drift_cli.errors": ("errors", "Errors"),
}
_LINK = re.compile(r"(?<=\]\()(?P<path>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=\))")
_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\(?P<open>[(\[])(?P<tex>.*?)\\[)\]]</(?P=tag)>', flags=re.DOTALL
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The pages that are not in docs/, and each file of the project that a page links to, as it is."""
    for source, name in PAGES.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text()))
    files.append(File.generated(config, "gallery.md", content=gallery()))
    for module, (name, title) in API.items():
        files.append(File.generated(config, f"api/{name}.md", content=api(module, title)))
    origins = [(source, (ROOT / source).read_text()) for source in PAGES]
    origins += [(f"docs/{f.src_uri}", f.content_string) for f in files.documentation_pages()]
    for origin, text in origins:
        for target in (normpath(join(dirname(origin), link["path"])) for link in _LINK.finditer(text)):
            if (ROOT / target).is_file() and files.get_file_from_path(place(target)) is None:
                files.append(File.generated(config, place(target), abs_src_path=str(ROOT / target)))
    return files


def place(path: str) -> str:
    """Where a file of the project stands on the site."""
    return MOVED.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else f"source/{path}")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links between files of the project become links between their places on the site."""
    here = page.file.src_uri
    origin = next((source for source, name in PAGES.items() if name == here), f"docs/{here}")

    def moved(link: re.Match[str]) -> str:
        target = place(normpath(join(dirname(origin), link["path"])))
        return relpath(target, dirname(here) or ".") + (link["anchor"] or "")

    return _LINK.sub(moved, markdown)


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Every formula as MathML; one that cannot be read ends the build."""

    def drawn(found: re.Match[str]) -> str:
        try:
            return convert(html.unescape(found["tex"]), display="block" if found["open"] == "[" else "inline")
        except Exception as error:
            raise PluginError(f"{page.file.src_uri}: {found['tex']} is no formula: {error!r}") from error

    return _FORMULA.sub(drawn, content)


def gallery() -> str:
    """Every figure of the kept reference run, below the command that draws it."""
    missing = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs" / KEPT).rglob("*.png")}
    lines = [
        "# Gallery",
        "",
        "Every figure of the [reference run](results/standard/report.md), with the command that draws it.",
        "",
    ]
    for part in experiments.load():
        kept = ROOT / "docs" / KEPT / part.name
        there = [(f, [each for each in f.images if (kept / each.file).is_file()]) for f in part.figures]
        if not any(images for _, images in there):
            continue
        lines += [f"## {part.title}", "", f"{part.place}: {part.minutes['standard']:g} minutes on 2 cores.", ""]
        lines += ["```bash", part.shown("standard"), "```", ""]
        for figure, images in there:
            if images:
                lines += [f"**{figure.place or 'Ours'}.** {figure.caption}", ""]
            for image in images:
                picture = f"{KEPT}/{part.name}/{image.file}"
                lines += [f"![{image.alt}]({picture})", ""]
                missing.discard(picture)
    if missing:
        raise PluginError(f"kept figures that no parts.yaml names: {', '.join(sorted(missing))}")
    return "\n".join(lines)


def api(module: str, title: str) -> str:
    """What a module offers to the public."""
    names = drift_cli._PUBLIC[module]
    return "\n".join([f"# {title}", "", f"`from drift_cli import {', '.join(names)}`", "",
                      *(f"::: {module}.{name}\n" for name in names)])  # fmt: skip


class Settings(griffe.Extension):
    """A field `Annotated[type, Setting("help", …)]` is shown as its type, with its help as the text."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **kwargs: Any) -> None:
        match attr.annotation:
            case griffe.ExprSubscript(
                left=griffe.ExprName(name="Annotated"),
                slice=griffe.ExprTuple(elements=[kind, griffe.ExprCall(arguments=[help, *_])]),
            ):
                attr.annotation = kind
                attr.docstring = attr.docstring or griffe.Docstring(str(help).strip("'\""), parent=attr)
