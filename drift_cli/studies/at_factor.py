"""A training run at a multiple of the automatic bandwidth; of images, and how near they are to real ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from drift_cli.data import Finite
from drift_cli.judging import Jury
from drift_cli.judging.evenly import evenly
from drift_cli.judging.frechet import frechet_distance
from drift_cli.learned import Shelf
from drift_cli.studies import training
from drift_cli.training.evaluation import generate
from drift_cli.training.settings import TrainConfig
from drift_cli.training.setup import Setup, assemble

CODES = 0  # the autoencoder's seed, the same in every run
_JUDGES = 20_101_973  # and the judges'


@dataclass(frozen=True)
class AtFactor:
    """A run whose bandwidth is `factor` times the automatic one where the drift is, evaluated on `samples` samples."""

    settings: TrainConfig
    factor: float
    samples: int

    def asked(self) -> dict[str, Any]:
        """The settings of the training, the factor and the number of samples."""
        return {"train": training.plain(self.settings), "factor": self.factor, "samples": self.samples}

    def trained(self, shelf: Shelf | None = None) -> tuple[Setup, float]:
        """The trained run, and the seconds of a core that its steps took."""
        setup = assemble(self.settings, shelf)
        setup.kernel = setup.kernel.scaled(self.factor)
        return setup, training.train(setup)


@dataclass(frozen=True)
class OfImages(AtFactor):
    """The same of images."""

    def made(self, unfinished: Path) -> dict[str, Any]:
        """Fréchet distance and class shares, each beside their floor; the seconds of a core that the steps took.

        What is learned before the drift is shared by the runs of the study, in `learned/` of its folder.
        """
        shelf = Shelf(common=unfinished.parent.parent / "learned")
        setup, seconds = self.trained(shelf)
        return {**_judged(setup, shelf, self.samples), "seconds": seconds}


def _judged(setup: Setup, shelf: Shelf, samples: int) -> dict[str, float | None]:
    """Fréchet distance to the training images beside that of as many unseen ones; TV of the classes a judge sees.

    `accuracy` is the share of labelled images that the judge recognises, None of images without labels.
    """
    target = setup.target
    assert isinstance(target, Finite)
    apart, shape, units = target.held_out, target.space.image, target.space.to_units
    assert apart is not None
    assert apart.classes is not None
    assert target.classes is not None
    assert shape is not None
    jury = Jury.learned(units(target.points), target.classes, units(apart.points), apart.classes, shape, _JUDGES, shelf)
    n = min(samples, len(jury.held_out))
    draws = setup.stream("final", 0)
    labels = None if target.labels is None else target.classes[evenly(target.classes, n, draws)]
    images = units(generate(setup, n, draws, labels)).float().clamp(0, 1)
    right, frechet = jury.glance(images, labels)
    answers = jury.judge.answers(jury.judge.features(images))
    unseen = evenly(apart.classes, n, torch.Generator().manual_seed(_JUDGES))
    return {
        "frechet": frechet,
        "frechet_floor": frechet_distance(jury.unseen[unseen], jury.features),
        "class_tv": _tv_of_shares(answers, target.classes),
        "accuracy": right,
    }


def _tv_of_shares(answers: Tensor, real: Tensor) -> float:
    count = int(real.max()) + 1
    shares = [torch.bincount(each, minlength=count).double() / len(each) for each in (answers, real)]
    return float((shares[0] - shares[1]).abs().sum() / 2)
