"""Follow every link of a site in a folder: python scripts/links.py FOLDER. Exit status 1 where one leads nowhere.

Files, anchors and pictures of all its HTML pages; addresses on the network are left alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The addresses that a page refers to, and the anchors that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key in ("href", "src") and value:
                self.links.append(value)
            elif key in ("id", "name") and value:
                self.anchors.add(value)


def broken(site: Path) -> Iterator[str]:
    """Each link to a file or an anchor that the site does not have, with its page."""
    pages = {path: Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            folder = site if parts.path.startswith("/") else path.parent  # 404.html may stand anywhere
            target = Path(os.path.normpath(folder / unquote(parts.path).lstrip("/"))) if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            lost = parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors
            if lost or not target.is_file():
                yield f"{path.relative_to(site)}: {link}"


if __name__ == "__main__":
    found = sorted(set(broken(Path(sys.argv[1]))))
    print("\n".join(["Links that lead nowhere:", *found] if found else ["Every link leads somewhere."]))
    sys.exit(bool(found))
