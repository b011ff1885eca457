"""Steps of a run that two processes share end at the weights of one process."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from drift_cli.ranks.group import Ranks
from drift_cli.training import step as steps
from drift_cli.training.setup import Setup, assemble
from drift_cli.training.shares import CLASSES, ROWS, WHOLE, what_is_shared
from tests.problems.ranks import on_ranks
from tests.problems.settings import composed

STEPS = 20
SHARED = ("batch_size=61", "device=cpu", "threads=1", "generator.widths=[16]", "dtype=float64", "space=identity")
LABELLED = ("dataset=digits", "dataset.labels=true", "kernel.bandwidth=0.3")
RUNS: dict[str, tuple[str, tuple[str, ...]]] = {  # what is shared, and the words
    "defaults": (ROWS, ()),
    "ring": (ROWS, ("distributed.exchange=ring",)),
    "finite data, annealed": (ROWS, ("dataset=digits", "kernel.bandwidth=0.3", "schedule=exponential")),
    "root mean square": (ROWS, ("drift=multi_temperature", "drift.normalize=rms")),
    "no stop-gradient": (ROWS, ("gradient_paths=both", "drift=batch_normalized")),
    "classes": (CLASSES, LABELLED),
    "guided classes in a ring": (CLASSES, (*LABELLED, "guidance.alpha=2", "distributed.exchange=ring")),
    "discrepancy of classes": (WHOLE, (*LABELLED, "drift=from_discrepancy")),
    "unbalanced classes": (WHOLE, (*LABELLED, "classes.balanced=false")),
    "sinkhorn": (WHOLE, ("drift=sinkhorn",)),
    "sinkhorn of a second batch": (WHOLE, ("drift=sinkhorn", "drift.independent_self=true", "drift.carry=true")),
    "noised queries of classes": (WHOLE, (*LABELLED, "drift=noised_query")),
    "noised queries without stop-gradient": (WHOLE, ("drift=noised_query", "gradient_paths=both")),
    "images": (ROWS, ("dataset=digits", "generator=conv", "generator.width=4", "kernel.bandwidth=0.3")),
    "particles": (ROWS, ("generator=particles", "generator.count=80", "optimizer=sgd")),
    "single precision": (ROWS, ("dtype=float32",)),
    "sinkhorn of classes": (WHOLE, (*LABELLED, "drift=sinkhorn", "drift.carry=true")),
    "conditions": (ROWS, ("dataset=array", "dataset.path=FOLDER/points.csv", "dataset.condition=[b]")),
}  # fmt: skip
QUICK = (
    "defaults",
    "ring",
    "root mean square",
    "no stop-gradient",
    "classes",
    "unbalanced classes",
    "single precision",
)


def setup_of(folder: str, *words: str) -> Setup:
    words = tuple(word.replace("FOLDER", folder) for word in words)
    network = () if any(word.startswith("generator=") for word in words) else ("generator.widths=[16]",)
    shared = tuple(word for word in SHARED if not word.startswith("generator."))
    return assemble(composed("train", [*shared, *network, *words]))


def weights_after(setup: Setup, count: int) -> np.ndarray:
    advance = steps.build(setup)
    for step in range(count):
        taken = advance(step)
    numbers = [taken.loss.reshape(1), taken.drift_norm.reshape(1), taken.samples().sum(dim=0)]
    parts = [*setup.model.parameters(), *setup.average.parameters(), *numbers]
    return torch.cat([part.detach().flatten() for part in parts]).numpy()


def every_run(ranks: Ranks, names: list[str], folder: str) -> dict[str, Any]:
    os.environ["HYDRA_FULL_ERROR"] = "1"
    found = {}
    for name in names:
        setup = setup_of(folder, *RUNS[name][1])
        setup.ranks = replace(ranks, exchange=setup.config.distributed.exchange)
        found[name] = weights_after(setup, STEPS)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """With a table of two columns."""
    place = tmp_path_factory.mktemp("data")
    points = np.random.default_rng(0).normal(size=(150, 2)) @ [[1, 0.7], [0, 0.5]]
    np.savetxt(place / "points.csv", points, delimiter=",", header="a,b", comments="")
    return str(place)


@pytest.fixture(scope="module")
def found(folder: str) -> list[dict[str, Any]]:
    return on_ranks(2, every_run, list(QUICK), folder)


def check(found: list[dict[str, Any]], name: str, folder: str) -> None:
    setup = setup_of(folder, *RUNS[name][1])
    assert what_is_shared(setup) == RUNS[name][0]
    alone = weights_after(setup, STEPS)
    # Rounding of sums in another order, which Adam's division by small gradients makes larger.
    tolerance = 1e-4 if setup.dtype == torch.float32 else 1e-9
    for each in found:
        assert float(np.abs(each[name] - alone).max()) < tolerance * float(np.abs(alone).max())
    assert all(np.array_equal(found[0][name], each[name]) for each in found[1:])  # no copy of the weights goes astray
    moved = weights_after(setup_of(folder, "seed=1", *RUNS[name][1]), STEPS)
    assert float(np.abs(moved - alone).max()) > 100 * tolerance * float(np.abs(alone).max())


@pytest.mark.parametrize("name", QUICK)
def test_two_processes_end_where_one_does(name: str, found, folder: str) -> None:
    check(found, name, folder)


@pytest.mark.slow
def test_four_processes_end_where_one_does(folder: str) -> None:
    four = on_ranks(4, every_run, list(RUNS), folder)
    for name in RUNS:
        check(four, name, folder)
