"""Progress of a run: one live line on a terminal, occasional lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from drift_cli.abilities import abilities
from drift_cli.drift import Drift

_LINES = 10  # lines of a whole run where there is no terminal


class Progress:
    """Shows the numbers of the latest step; those that are measured now and then stay until the next time."""

    def __init__(self, console: Console, steps: int, start: int, drift: Drift) -> None:
        self.console, self.steps, self.start, self.drift = console, steps, start, drift
        self.began = time.perf_counter()
        self.latest: dict[str, float] = {}
        self.measured = 0  # the step of the latest distance
        self.warned: set[str] = set()
        self.live: Live | None = None

    @classmethod
    @contextmanager
    def running(cls, console: Console, steps: int, start: int, drift: Drift) -> Iterator[Self]:
        progress = cls(console, steps, start, drift)
        if console.is_terminal:
            with Live(Text(""), console=console, refresh_per_second=4, transient=True) as progress.live:
                yield progress
        else:
            yield progress

    def show(self, numbers: dict[str, float]) -> None:
        self.latest |= numbers
        if "sw" in numbers:
            self.measured = int(numbers["step"])
        if self.live is not None:
            self.live.update(Text(self.line()))  # a narrow terminal wraps it rather than hide its end
        elif self._is_due(int(numbers["step"])):
            self.console.print(self.line(), highlight=False, soft_wrap=True)

    def line(self) -> str:
        """step, ETA, steps/s, loss, |V|, SW (floor); bandwidth and effective sample size of a kernel; ε, iterations."""
        now, step = self.latest, int(self.latest["step"])
        rate = (step - self.start) / max(time.perf_counter() - self.began, 1e-9)
        left = int((self.steps - step) / rate) if rate > 0 else 0
        parts = [
            f"step {step:,}/{self.steps:,}",
            f"ETA {left // 60}:{left % 60:02d}",
            f"{rate:.1f} steps/s",
            f"loss {now['loss']:.2e}",
            f"|V| {now['drift_norm']:.4f}",
        ]
        if "sw" in now:
            then = "" if self.measured == step else f", of step {self.measured:,}"  # else it reads as standing still
            parts.append(f"SW {now['sw']:.4f} (floor {now['sw_floor']:.4f}{then})")
        if abilities(self.drift).uses_kernel:
            parts.append(f"σ {now['bandwidth']:.3g}")
        if (epsilon := getattr(self.drift, "epsilon", None)) is not None:
            parts.append(f"ε {epsilon:.3g}")
        if "sinkhorn_iterations" in now:
            parts.append(f"iterations {now['sinkhorn_iterations']:.1f} (error {now['marginal_error']:.1e})")
        if abilities(self.drift).uses_kernel and "effective_sample_size" in now:
            parts.append(f"ESS {now['effective_sample_size']:.0f}")
        return "  ".join(parts)

    def warn(self, kind: str, message: str) -> None:
        """Say it once of every kind."""
        if kind not in self.warned:
            self.console.print(f"warning: {message}", style="yellow", highlight=False, soft_wrap=True)
        self.warned.add(kind)

    def _is_due(self, step: int) -> bool:
        every = max(1, self.steps // _LINES)
        return step % every == 0 or step == self.steps
