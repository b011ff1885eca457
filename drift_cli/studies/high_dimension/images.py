"""The same comparison on real images: in pixels and in codes, with classes and without."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from functools import partial

from drift_cli.config.objects import with_defaults
from drift_cli.studies import training, tuning
from drift_cli.studies.at_factor import CODES, OfImages
from drift_cli.studies.high_dimension.methods import METHODS
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.numbers import Estimate, Mean, Measured, Ratio, Table, before, columns, finite_mean, interval
from drift_cli.studies.study import Study
from drift_cli.training.settings import ClassesConfig

_OUTCOMES = ("frechet", "frechet_floor", "class_tv", "accuracy", "seconds")


@dataclass(frozen=True)
class ImageRun:
    """What one training differs in: `space` is pixels or codes, `classes` labelled or unlabelled."""

    method: str
    space: str
    classes: str
    factor: float
    seed: int

    @property
    def name(self) -> str:
        return f"images_{self.space}_{self.classes}_{self.method}_{self.factor:g}_{self.seed}"


def _tuned(config: HighDimensionConfig, s: Study) -> tuning.Tuned[tuple[str, str, str], ImageRun]:
    """Of each method in each space, with classes and without."""
    own = config.images
    return tuning.tuned(
        config,
        s,
        {
            group: {factor: ImageRun(*group, factor, config.tuning_seed) for factor in own.factors}
            for group in itertools.product(own.methods, own.spaces, own.classes)
        },
        lambda factors: (ImageRun(*group, factors[group], seed) for group in factors for seed in own.seeds),
        partial(_job, config),
        lambda found: tuning.worst_if_not_finite(found["frechet"]),
    )


def _job(config: HighDimensionConfig, run: ImageRun) -> OfImages:
    own = config.images
    method = METHODS[run.method].at(1.0, replace(config, self_term=own.self_term), own.steps)
    unit = method.kernel.bandwidth  # the first bandwidth over the last
    labelled = run.classes == "labelled"
    settings = training.settings(
        dataset=with_defaults("dataset", own.dataset, labels=labelled),
        space=(
            with_defaults("space", "autoencoder", seed=CODES)
            if run.space == "codes"
            else with_defaults("space", "identity")
        ),
        kernel=replace(method.kernel, **{"bandwidth": "auto"}),
        drift=method.drift,
        schedule=method.schedule,
        generator=config.generator,
        optimizer=config.optimizer,
        batch_size=own.batch_size,
        steps=own.steps,
        seed=run.seed,
        classes=ClassesConfig(balanced=labelled),
    )
    return OfImages(settings, run.factor * unit, own.samples)


@dataclass(frozen=True)
class Generated(Measured):
    """One method: means over the seeds, at the factor that was chosen. `accuracy`: of labelled images."""

    factor: float
    frechet_over_floor: Mean
    class_tv: Estimate
    accuracy: Mean | None
    seconds: float


@dataclass(frozen=True)
class Images(Measured):
    """By `images.<space>.<classes>.<method>`.

    `frechet_over_first`: how many times as large a rival's Fréchet distance is as that of the first method, with its
    95 % interval.
    """

    generated: dict[str, Generated]
    frechet_over_first: dict[str, Ratio] = field(metadata=before("."))
    rows: list[tuple]

    def tables(self) -> dict[str, Table]:
        return {"images": columns(("method", "space", "classes", "factor", "seed", *_OUTCOMES), self.rows)}


def images(config: HighDimensionConfig, s: Study) -> Images:
    """Every method in every space, with classes and without."""
    own, tuned = config.images, _tuned(config, s)
    generated, farther = {}, {}
    for space, classes in itertools.product(own.spaces, own.classes):
        frechet: dict[str, list[float]] = {}
        for method in own.methods:
            factor = tuned.factors[method, space, classes]
            each = [tuned.found[ImageRun(method, space, classes, factor, seed)] for seed in own.seeds]
            frechet[method] = [run["frechet"] for run in each]
            generated[f"images.{space}.{classes}.{method}"] = Generated(
                factor,
                Mean([run["frechet"] / run["frechet_floor"] for run in each]),
                interval([run["class_tv"] for run in each]),
                finite_mean([run["accuracy"] for run in each]),
                sum(run["seconds"] for run in each) / len(each),
            )
        first, *rivals = own.methods
        for rival in rivals:
            ratios = [theirs / ours for theirs, ours in zip(frechet[rival], frechet[first], strict=True)]
            farther[f"images.{space}.{classes}.{rival}"] = Ratio(ratios)
    rows = [(*vars(run).values(), *(each[name] for name in _OUTCOMES)) for run, each in tuned.found.items()]
    return Images(generated, farther, rows)
