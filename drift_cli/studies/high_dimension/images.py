"""The same comparison on real images: in pixels and in codes, with classes and without."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from drift_cli.config.objects import with_defaults
from drift_cli.studies import training
from drift_cli.studies.at_factor import CODES, OfImages
from drift_cli.studies.high_dimension.methods import METHODS
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.kept_runs import best_by
from drift_cli.studies.numbers import Estimate, Mean, Measured, Ratio, Table, columns, interval
from drift_cli.training.settings import ClassesConfig, EvaluationConfig

_OUTCOMES = ("frechet", "frechet_floor", "class_tv", "accuracy")


@dataclass(frozen=True)
class Case:
    """What one run differs in: `space` is pixels or codes, `classes` labelled or unlabelled."""

    method: str
    space: str
    classes: str
    factor: float
    seed: int

    @property
    def name(self) -> str:
        return "_".join(map(str, ("images", self.space, self.classes, self.method, f"{self.factor:g}", self.seed)))


def trials(config: HighDimensionConfig) -> dict[Case, OfImages]:
    """Every factor on the seed that is for choosing."""
    own = config.images
    cases = itertools.product(own.methods, own.spaces, own.classes, own.factors, [config.tuning_seed])
    return {case: _job(config, case) for case in itertools.starmap(Case, cases)}


def chosen_factors(
    config: HighDimensionConfig, found: Mapping[Case, Mapping[str, Any]]
) -> dict[tuple[str, str, str], float]:
    """The factor with the least Fréchet distance, of each method in each space, with classes and without."""
    own = config.images
    return {
        each: best_by("frechet", {f: found[Case(*each, f, config.tuning_seed)] for f in own.factors})
        for each in itertools.product(own.methods, own.spaces, own.classes)
    }


def runs(config: HighDimensionConfig, choices: Mapping[tuple[str, str, str], float]) -> dict[Case, OfImages]:
    """The chosen factor on the seeds that are for judging."""
    cases = (Case(*each, factor, seed) for each, factor in choices.items() for seed in config.images.seeds)
    return {case: _job(config, case) for case in cases}


def _job(config: HighDimensionConfig, case: Case) -> OfImages:
    own = config.images
    method = METHODS[case.method].at(1.0, replace(config, self_term=own.self_term), own.steps)
    unit = method.kernel.bandwidth  # the first bandwidth over the last
    labelled = case.classes == "labelled"
    settings = training.settings(
        dataset=with_defaults("dataset", own.dataset, labels=labelled),
        space=with_defaults("space", "autoencoder", seed=CODES)
        if case.space == "codes"
        else with_defaults("space", "identity"),
        kernel=replace(method.kernel, **{"bandwidth": "auto"}),
        drift=method.drift,
        schedule=method.schedule,
        generator=config.generator,
        optimizer=config.optimizer,
        evaluation=EvaluationConfig(every=own.steps, points=1, projections=1, draws=1),
        batch_size=own.batch_size,
        steps=own.steps,
        seed=case.seed,
        classes=ClassesConfig(balanced=labelled),
    )
    return OfImages(settings, case.factor * unit, own.samples)


@dataclass(frozen=True)
class Made(Measured):
    """One method: means over the seeds, at the factor that was chosen. `accuracy`: of labelled images."""

    factor: float
    frechet_over_floor: Mean
    class_tv: Estimate
    accuracy: Mean | None
    seconds: float


@dataclass(frozen=True)
class Farther(Measured):
    """How many times as large a rival's Fréchet distance is as that of the first method, with its 95 % interval."""

    frechet_over_first: Ratio


@dataclass(frozen=True)
class Images(Measured):
    """By `images.<space>.<classes>.<method>`."""

    made: dict[str, Made]
    farther: dict[str, Farther]
    rows: list[tuple]

    def tables(self) -> dict[str, Table]:
        names = ("method", "space", "classes", "factor", "seed", *_OUTCOMES, "seconds")
        return {"images": columns(names, self.rows)}


def images(
    config: HighDimensionConfig,
    choices: Mapping[tuple[str, str, str], float],
    found: Mapping[Case, Mapping[str, Any]],
) -> Images:
    """What the runs came to; `found` holds the trials as well."""
    own = config.images
    made, farther = {}, {}
    for space, classes in itertools.product(own.spaces, own.classes):
        frechet: dict[str, list[float]] = {}
        for method in own.methods:
            factor = choices[method, space, classes]
            each = [found[Case(method, space, classes, factor, seed)] for seed in own.seeds]
            frechet[method] = [run["frechet"] for run in each]
            right = [run["accuracy"] for run in each]
            made[f"images.{space}.{classes}.{method}"] = Made(
                factor,
                Mean([run["frechet"] / run["frechet_floor"] for run in each]),
                interval([run["class_tv"] for run in each]),
                None if None in right else Mean(right),
                sum(run["seconds"] for run in each) / len(each),
            )
        first, *rivals = own.methods
        for rival in rivals:
            ratios = [theirs / ours for theirs, ours in zip(frechet[rival], frechet[first], strict=True)]
            farther[f"images.{space}.{classes}.{rival}"] = Farther(Ratio(ratios))
    return Images(made, farther, list(_rows(found)))


def _rows(found: Mapping[Case, Mapping[str, Any]]) -> Iterator[tuple]:
    for case, run in found.items():
        outcomes = (run[name] for name in _OUTCOMES)
        yield (case.method, case.space, case.classes, case.factor, case.seed, *outcomes, run["seconds"])
