"""A table of words, for the terminal and for a page."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

_LEFT = ("who", "setting")  # columns of words; the others are of numbers


@dataclass(frozen=True)
class Grid:
    title: str
    headings: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]

    def rich(self) -> Table:
        """For the terminal."""
        table = Table(title=self.title, box=None, pad_edge=False, header_style="bold", title_justify="left")
        for heading in self.headings:
            table.add_column(heading, justify="left" if heading in _LEFT else "right")
        for line in self.lines:
            table.add_row(*line)
        return table

    def markdown(self) -> str:
        """For a page."""
        rule = tuple("---" if heading in _LEFT else "--:" for heading in self.headings)
        body = "\n".join("| " + " | ".join(line) + " |" for line in (self.headings, rule, *self.lines))
        return f"{self.title}:\n\n{body}\n"
