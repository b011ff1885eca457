"""A factor of the bandwidth that is chosen on one seed and judged on others, where the choice had no luck."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from drift_cli.studies.kept_runs import Job, Run, Working, finished_runs
from drift_cli.studies.study import Study

Group = TypeVar("Group", bound=Hashable)  # what has a factor of its own: a target and a method, say


@dataclass(frozen=True)
class Tuned(Generic[Group, Run]):
    """The factor that was chosen for each group, and what every run found, the trials first."""

    factors: dict[Group, float]
    found: dict[Run, dict[str, Any]]


def tuned(
    config: Working,
    s: Study,
    trials: Mapping[Group, Mapping[float, Run]],
    judged: Callable[[Mapping[Group, float]], Iterable[Run]],
    job: Callable[[Run], Job],
    badness: Callable[[Mapping[str, Any]], Any],
) -> Tuned[Group, Run]:
    """Each group's trials by factor, then the runs at the factors that were chosen; all of them are kept.

    The choice is the factor whose trial has the least `badness` of what it found.
    """

    def finished(runs: Iterable[Run]) -> dict[Run, dict[str, Any]]:
        return finished_runs(config, s, {run: job(run) for run in runs})

    def best(at: Mapping[float, Run]) -> float:
        return min(at, key=lambda factor: badness(tried[at[factor]]))

    tried = finished(run for at in trials.values() for run in at.values())
    factors = {group: best(at) for group, at in trials.items()}
    return Tuned(factors, tried | finished(judged(factors)))


def worst_if_not_finite(outcome: float) -> float:
    """The badness of an outcome of which less is better."""
    return outcome if math.isfinite(outcome) else math.inf
