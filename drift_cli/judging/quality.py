"""How good generated images are: every number with its value for unseen real images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int
from torch import Tensor

from drift_cli.judging.accuracy import accuracy, worst_accuracy
from drift_cli.judging.beside import Beside
from drift_cli.judging.class_histogram import class_counts, histogram_p
from drift_cli.judging.class_spread import class_spread
from drift_cli.judging.evenly import evenly
from drift_cli.judging.frechet import frechet_distance
from drift_cli.judging.jury import Jury, as_seen
from drift_cli.judging.manifolds import manifolds
from drift_cli.judging.neighbour_ratio import neighbour_ratio
from drift_cli.judging.preference import preference
from drift_cli.judging.second_opinion import second_opinion
from drift_cli.learned import Shelf
from drift_cli.metrics.energy_distance import energy_distance


@dataclass(frozen=True)
class ImageQuality:
    """The floor of an accuracy is the judge's own, on held-out images. Frechet to spread are in the judge's features.

    `frechet`, `energy` and the pixels' neighbours compare with training images; precision to coverage, and the spread,
    with held-out ones. `class_shares`: of the classes in which the judge sees the generated images.
    """

    accuracy: Beside
    accuracy_worst: Beside
    accuracy_svm: Beside
    accuracy_svm_worst: Beside
    class_p: Beside
    frechet: Beside
    energy: Beside
    precision: Beside
    recall: Beside
    density: Beside
    coverage: Beside
    spread: Beside
    neighbour_ratio: Beside
    pref_pixels: Beside
    pref_features: Beside
    class_shares: tuple[float, ...]

    def flat(self) -> dict[str, float | None]:
        """`frechet`, `frechet_floor`, … , and where there is one `…_floor_sd` and `…_copies`."""
        numbers: dict[str, float | None] = {}
        for field in fields(self):
            beside = getattr(self, field.name)
            if isinstance(beside, Beside):
                numbers |= {field.name: beside.value, f"{field.name}_floor": beside.floor}
                more = {"floor_sd": beside.floor_sd, "copies": beside.copies}
                numbers |= {f"{field.name}_{key}": number for key, number in more.items() if number is not None}
        return numbers


def judge_images(
    train_images: Float[Tensor, "k d"],
    train_classes: Int[Tensor, " k"],
    held_out_images: Float[Tensor, "n d"],
    held_out_classes: Int[Tensor, " n"],
    generated: Float[Tensor, "m d"],
    generated_labels: Int[Tensor, " m"] | None,
    shape: tuple[int, ...],
    seed: int,
    shelf: Shelf,
) -> ImageQuality:
    """Judge `generated` images, rows of h·w(·c) pixels of which 0 to 1 are seen, made for `generated_labels`.

    The judges learn from the training images with `seed`. See `judged` for the rest.
    """
    jury = Jury.learned(train_images, train_classes, held_out_images, held_out_classes, shape, seed, shelf)
    return judged(jury, generated, generated_labels)


def judged(jury: Jury, generated: Float[Tensor, "m d"], generated_labels: Int[Tensor, " m"] | None) -> ImageQuality:
    """Without labels an accuracy is not defined (None), and the judge's answers are the classes. Distances are between
    min(m, n) images, n held out, so that a floor is of the same number, each class in its share: what is held out has
    no noise in its classes, and with labels what is generated need have none."""
    train, held_out, seen = jury.train, jury.held_out, as_seen(generated)
    train_classes, held_out_classes = jury.train_classes, jury.held_out_classes
    features, unseen, own = jury.features, jury.unseen, jury.judge.features(seen)
    asked = None if generated_labels is None else generated_labels.cpu()
    draws = torch.Generator().manual_seed(jury.seed)

    answers, on_unseen = jury.judge.answers(own), jury.judge.answers(unseen)
    opinion = second_opinion(train, train_classes, jury.seed)
    svm_on_unseen = opinion(held_out)
    svm_answers = None if asked is None else opinion(seen)

    def recognised(measure: Callable[[Tensor, Tensor], float], answers: Tensor | None, of_unseen: Tensor) -> Beside:
        value = None if asked is None or answers is None else measure(answers, asked)
        return Beside(value, measure(of_unseen, held_out_classes))

    few = min(len(seen), len(held_out))
    classes = answers if asked is None else asked
    chosen = evenly(classes, few, draws)
    unseen_few = evenly(held_out_classes, few, draws)
    trained = evenly(train_classes, few, draws)
    found, at_truth = manifolds(unseen[unseen_few], own[chosen]), manifolds(unseen[unseen_few], features[trained])

    def manifold(name: str) -> Beside:
        return Beside(getattr(found, name), getattr(at_truth, name))

    return ImageQuality(
        accuracy=recognised(accuracy, answers, on_unseen),
        accuracy_worst=recognised(worst_accuracy, answers, on_unseen),
        accuracy_svm=recognised(accuracy, svm_answers, svm_on_unseen),
        accuracy_svm_worst=recognised(worst_accuracy, svm_answers, svm_on_unseen),
        class_p=Beside(
            histogram_p(answers, train_classes if asked is None else asked), histogram_p(on_unseen, train_classes)
        ),
        frechet=Beside(frechet_distance(own[chosen], features), frechet_distance(unseen[unseen_few], features)),
        energy=Beside(energy_distance(seen[chosen], train), energy_distance(held_out[unseen_few], train)),
        precision=manifold("precision"),
        recall=manifold("recall"),
        density=manifold("density"),
        coverage=manifold("coverage"),
        spread=Beside(
            class_spread(own, classes, unseen, held_out_classes),
            class_spread(features, train_classes, unseen, held_out_classes),
        ),
        neighbour_ratio=Beside(neighbour_ratio(seen, held_out, train), 1.0),
        pref_pixels=preference(seen, train, held_out, draws),
        pref_features=preference(own, features, unseen, draws),
        class_shares=tuple((class_counts(answers, int(train_classes.max()) + 1) / len(answers)).tolist()),
    )
