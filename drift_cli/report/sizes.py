"""Does size change the verdict? Every claim that a training run decides, at each size that has results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drift_cli.report import claims
from drift_cli.report.claims import Claim, Judgement, Verdict
from drift_cli.report.experiments import SIZES

NOT_RUN = "not run"
Summaries = Iterable[tuple[str, Mapping[str, float]]]  # of the parts of one size: a command and what it measured


@dataclass(frozen=True)
class Row:
    """One claim at the sizes quick, standard and full; None where that size was not run or does not measure it."""

    claim: Claim
    verdicts: dict[str, Judgement | None]

    def at(self, size: str) -> str:
        """The verdict at a size with its number, or that it was not run."""
        found = self.verdicts[size]
        if found is None:
            return NOT_RUN
        told = f"{found.verdict}: {found.reason}" if found.reason else str(found.verdict)
        return told if found.value is None else f"{told} ({found.value:.3g})"

    @property
    def told(self) -> str:
        return {None: "–", True: "yes", False: "no"}[self.changed]

    @property
    def changed(self) -> bool | None:
        """Whether the verdict depends on the size; None where fewer than two sizes decide it."""
        told = [each.verdict for each in self.verdicts.values() if each is not None]
        decided = [verdict for verdict in told if verdict is not Verdict.UNTESTED]
        return len(set(decided)) > 1 if len(decided) > 1 else None


def compare(by_size: Mapping[str, Summaries]) -> list[Row]:
    """The training claims in their order, judged at every size from that size's summaries alone."""
    kept = {size: [(command, dict(summary)) for command, summary in by_size.get(size, ())] for size in SIZES}
    return [
        Row(claim, {size: _judged(claim, kept[size]) for size in SIZES}) for claim in claims.load() if claim.training
    ]


def _judged(claim: Claim, summaries: list[tuple[str, dict[str, float]]]) -> Judgement | None:
    """From the first summary of its command that has its field."""
    for command, summary in summaries:
        if command == claim.command and claim.field in summary:
            return claims.judged(claim, summary)
    return None
