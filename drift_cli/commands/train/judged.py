"""Judging a run's images: the judges, the images that they see, and the figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from drift_cli.data import Batch, Finite
from drift_cli.figures import class_grid, guidance, interpolation, nearest_images, quality_curves
from drift_cli.generator import Network
from drift_cli.judging import ImageQuality, Jury, judged
from drift_cli.learned import Shelf
from drift_cli.training.evaluation import generate
from drift_cli.training.setup import Setup

_SEED = 20_101_973  # of the judges in every run: they are the same for all seeds, and no encoder's
_COUNT = 1000  # images judged at the end
_AT_A_GLANCE = 500  # and while it trains
_PAIRS, _BETWEEN = 10, 11  # of the interpolation
_STRENGTHS = 5  # of guidance, where the generator is given it


@dataclass(frozen=True)
class Judged:
    """The judges of a run."""

    setup: Setup
    jury: Jury

    @classmethod
    def of(cls, setup: Setup, shelf: Shelf) -> Judged | None:
        """None where nothing can be judged: no images, no classes, nothing held out, or evaluation.judge=false."""
        target, shape = setup.target, setup.target.space.image
        if not (setup.config.evaluation.judge and shape and isinstance(target, Finite)):
            return None
        held_out = target.held_out
        if held_out is None or held_out.classes is None or target.classes is None or not target.classes.any():
            return None
        train, apart = (target.space.to_units(part.points) for part in (target, held_out))
        return cls(setup, Jury.learned(train, target.classes, apart, held_out.classes, shape, _SEED, shelf))

    @property
    def told(self) -> str:
        number = len(self.jury.held_out)
        seen = f"judge: recognises the right class of {self.jury.accuracy:.1%} of {number:,} held-out images"
        if not (limit := self.limit):
            return seen
        return (
            f"{seen}, and of {limit['accuracy']:.1%} of their reconstructions, whose Fréchet distance is "
            f"{limit['frechet']:.2f} (that of the images: {limit['frechet_floor']:.2f})"
        )

    def glance(self, step: int) -> dict[str, float]:
        """`accuracy` and `frechet` of a few images, for the curves."""
        images = self._images(_AT_A_GLANCE, "glance", step)
        right, frechet = self.jury.glance(images.points, images.labels)
        return {"frechet": frechet} | ({} if right is None else {"accuracy": right})

    def quality(self) -> ImageQuality:
        images = self._images(_COUNT, "final", 3_000_000)
        return judged(self.jury, images.points, images.labels)

    def figures(self, rows: list[dict[str, Any]], found: ImageQuality, folder: Path) -> dict[str, Callable[[], Path]]:
        """What is to be drawn, by name."""
        images, shape = self._images(_COUNT, "final", 3_000_000), self.setup.target.space.image
        assert shape is not None
        classes = images.labels
        if classes is None:
            classes = self.jury.judge.answers(self.jury.judge.features(images.points.float().clamp(0, 1)))
        names = _names(self.setup, len(found.class_shares))
        in_pixels, in_features = (near.numpy() for near in self.jury.nearest(images.points[:32]))
        drawn = {
            "classes": lambda: class_grid.draw(
                (images.points.numpy(), classes.cpu().numpy()),
                (self.jury.held_out.numpy(), self.jury.held_out_classes.numpy()),
                names, shape, folder,
            ),
            "nearest": lambda: nearest_images.draw(
                images.points.numpy(), in_pixels, in_features, shape, folder
            ),
            "quality": lambda: quality_curves.draw(rows, self.floors(), folder),
        }  # fmt: skip
        if (strengths := self.setup.config.guidance.range) is not None:
            low, high = strengths
            drawn["guidance"] = lambda: guidance.draw(self._by_strength(low, high), folder)
        if isinstance(width := getattr(self.setup.average, "noise", None), int):
            pairs = names[:_PAIRS] if images.labels is not None else ()
            drawn["interpolation"] = lambda: interpolation.draw(self._between(width), shape, pairs, folder)
        return drawn

    def _by_strength(self, low: float, high: float) -> list[dict[str, Any]]:
        """The quality of images of each strength of guidance, for a generator that is given it."""
        setup, rows = self.setup, []
        assert isinstance(setup.average, Network)
        labels = self._labels(_COUNT)
        for strength in np.geomspace(low, high, _STRENGTHS).tolist():
            noise = setup.average.draw(_COUNT, setup.stream("final", 3_000_000))
            noise = setup.average.at_strength(noise, noise.new_tensor([strength / low]))
            with torch.no_grad():
                images = setup.target.space.to_units(setup.codec.decode(setup.average(noise, labels)))
            rows.append({"guidance": strength, **judged(self.jury, images, labels).flat()})
        return rows

    @cached_property
    def limit(self) -> dict[str, float]:
        """`accuracy` and `frechet` of held-out images after encoding and decoding, with `…_floor` of the images
        themselves: what codes can generate at best. Empty where the drift sees the points.
        """
        setup = self.setup
        if setup.coded is setup.target:
            return {}
        assert isinstance(setup.coded, Finite)
        assert setup.coded.held_out is not None
        decoded = setup.target.space.to_units(setup.codec.decode(setup.coded.held_out.points))
        found: dict[str, float] = {}
        for mark, images in (("", decoded), ("_floor", self.jury.held_out)):
            right, frechet = self.jury.glance(images, self.jury.held_out_classes)
            found |= {f"accuracy{mark}": right or 0.0, f"frechet{mark}": frechet}
        return found

    def _images(self, n: int, purpose: str, step: int) -> Batch:
        """Generated images with pixels in the data's units."""
        labels = self._labels(n)
        points = generate(self.setup, n, self.setup.stream(purpose, step), labels)
        return Batch(self.setup.target.space.to_units(points), labels)

    def _labels(self, n: int) -> torch.Tensor | None:
        """Where classes can be asked for, each as often as in what is held out."""
        if not self.setup.target.space.class_frequencies:
            return None
        apart = self.jury.held_out_classes.sort().values.to(self.setup.device)
        return apart[torch.arange(n, device=apart.device) * len(apart) // n]

    def floors(self) -> dict[str, float]:
        """What a glance at as many unseen images gives."""
        order = torch.randperm(len(self.jury.held_out), generator=torch.Generator().manual_seed(_SEED))
        few = order[:_AT_A_GLANCE]  # at random: data sets stand class by class
        right, frechet = self.jury.glance(self.jury.held_out[few], self.jury.held_out_classes[few])
        return {"accuracy_floor": right or 0.0, "frechet_floor": frechet}

    @torch.no_grad()
    def _between(self, width: int) -> np.ndarray:
        """Images of the noises on the great circle from one to another, by class where there are any."""
        setup, draws = self.setup, self.setup.stream("final", 3_000_001)
        ends = torch.randn(2, _PAIRS, 1, width, generator=draws, device=draws.device, dtype=setup.dtype)
        angle = torch.linspace(0, torch.pi / 2, _BETWEEN, device=draws.device, dtype=setup.dtype)[:, None]
        noise = (angle.cos() * ends[0] + angle.sin() * ends[1]).flatten(0, 1)
        labels = None
        if frequencies := setup.target.space.class_frequencies:
            labels = (torch.arange(_PAIRS, device=draws.device) % len(frequencies)).repeat_interleave(_BETWEEN)
        images = setup.target.space.to_units(setup.codec.decode(setup.average(noise, labels)))
        return images.reshape(_PAIRS, _BETWEEN, -1).numpy()


def _names(setup: Setup, classes: int) -> list[str]:
    return list(getattr(setup.target.space, "class_names", None) or map(str, range(classes)))
