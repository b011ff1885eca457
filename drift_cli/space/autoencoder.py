"""Codes of an autoencoder."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from drift_cli.data import Batch, Finite, Space, Target
from drift_cli.errors import UserError
from drift_cli.learned import content_hash, fit
from drift_cli.rules import at_least, between, positive
from drift_cli.setting import Checked, Setting
from drift_cli.space.codec import Fitting
from drift_cli.space.networks import moved, of_images, of_tables

_VERSION = 2  # of what is learned from the same data and settings
_AT_ONCE = 2048  # rows that pass a network together
_DRAWN = 10_000  # points that stand for a target without end
_IMAGES, _TABLES = (32, 64), (256, 256)  # widths


@dataclass(frozen=True)
class Autoencoder(Checked):
    """Codes of an autoencoder, learned from the data before drifting starts.

    An encoder E and a decoder D minimise the loss between an image u and D(E(u') + s ξ): the binary cross-entropy of
    pixels in [0, 1] (mean squared error of tables), ξ ~ N(0, I), s the share `noise` of the codes' spread, and u' = u
    is moved and turned a little at random. The drift sees (E(u) − c)/ρ, with c the mean of the codes of the training
    part and ρ their root mean square distance from it: the codes have unit size, as the training space itself, and a
    bandwidth keeps its meaning. No gradient of the drift passes through either network.
    """

    dimension: Annotated[int, Setting("dimension of the codes", (partial(between, low=1, high=65_536),))]
    widths: Annotated[
        tuple[int, ...] | None,
        Setting(
            "images: channels of each strided convolution; tables: units of each layer; null: 32, 64; 256, 256",
            (partial(between, low=1, high=65_536),),
        ),
    ]
    noise: Annotated[float, Setting("noise on the codes, as a share of their spread", (partial(at_least, least=0),))]
    shift: Annotated[float, Setting("largest random shift of an image, in pixels", (partial(at_least, least=0),))]
    turn: Annotated[float, Setting("largest random rotation of an image, in degrees", (partial(at_least, least=0),))]
    epochs: Annotated[int, Setting("passes over the training part", (partial(between, low=1, high=100_000),))]
    batch_size: Annotated[int, Setting("rows per step", (partial(at_least, least=1),))]
    lr: Annotated[float, Setting("learning rate, which falls to zero as a cosine", (positive,))]
    seed: Annotated[
        int | None,
        Setting("seed of the weights and their training; null: that of the run", (partial(at_least, least=0),)),
    ]

    def fitted(self, target: Target, fitting: Fitting) -> Codes:
        """Learn it from the training part of the target, or take it off the shelf by the content of data and settings.

        A target without end is stood for by 10,000 of its points. Raises `UserError` for images that are too small.
        """
        seed = fitting.seed if self.seed is None else self.seed
        points = _points(target, seed)
        settings = {key: value for key, value in asdict(self).items() if key != "seed"}
        key = content_hash(points, target.space.image, sorted(settings.items()), seed, _VERSION)
        codes = self._network(target.space, seed).to(fitting.device)
        apart, learned = target.held_out if isinstance(target, Finite) else None, []

        def learn(network: nn.Module) -> dict[str, Any]:
            learned.append(True)
            assert isinstance(network, Codes)
            report = self._learn(network, points.to(fitting.device, torch.float32), seed)
            return report | ({} if apart is None else {"error_held_out": network.error(apart.points)})

        codes.file = f"autoencoder-{key}.safetensors"
        shelf = fitting.shelf
        report = shelf.kept(codes.file, codes) if fitting.closed else shelf.learned("autoencoder", key, codes, learn)
        codes.report = {"dimension": self.dimension, **report, "kept": not learned}
        return codes

    def kept(self, space: Space, fitting: Fitting, marks: dict[str, str]) -> Codes:
        codes = self._network(space, 0)
        codes.file = marks.get("file", "")
        codes.report = fitting.shelf.kept(codes.file, codes)
        return codes.to(fitting.device)

    def _network(self, space: Space, seed: int) -> Codes:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if not space.image:
                return Codes(*of_tables(space.dimension, self.dimension, self.widths or _TABLES), space, self.dimension)
            widths, (height, width) = self.widths or _IMAGES, space.image[:2]
            if min(height, width) < 2 ** len(widths):
                raise UserError(
                    f"space=autoencoder halves an image {len(widths)} times, and {height} x {width} pixels are too "
                    "few: give space.widths fewer entries, or use space=identity."
                )
            return Codes(*of_images(space.image, self.dimension, widths), space, self.dimension)

    def _learn(self, codes: Codes, points: Float[Tensor, "n d"], seed: int) -> dict[str, Any]:
        began = time.perf_counter()
        codes.set_range(points)
        inputs, image = codes.to_inputs(points), codes.space.image
        measure = nn.functional.binary_cross_entropy_with_logits if image else nn.functional.mse_loss

        def loss(rows: Int[Tensor, " b"], draws: Generator) -> Tensor:
            seen = inputs[rows]
            if image and (self.shift or self.turn):
                seen = moved(seen, image, self.shift, self.turn, draws)
            z = codes.encoder(seen)
            spread = z.detach().std(dim=0, correction=0).square().mean().sqrt()
            noise = torch.randn(z.shape, generator=draws, device=z.device, dtype=z.dtype)
            return measure(codes.decoder(z + self.noise * spread * noise), seen)

        fit(codes, loss, len(points), seed, epochs=self.epochs, batch_size=self.batch_size, rate=self.lr)
        codes.set_scale(points)
        weights = sum(tensor.numel() for tensor in codes.parameters())
        return {"parameters": weights, "seconds": time.perf_counter() - began, "error": codes.error(points)}


class Codes(nn.Module):
    """The codec: networks, and the affine maps before and after them. Its weights are float32."""

    file: str
    report: dict[str, Any]
    low: Tensor
    range: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(self, encoder: nn.Module, decoder: nn.Module, space: Space, dimension: int) -> None:
        super().__init__()
        self.encoder, self.decoder, self.space, self.dimension = encoder, decoder, space, dimension
        for name, start in (("low", torch.zeros(())), ("range", torch.ones(())), ("centre", torch.zeros(dimension)),
                            ("scale", torch.ones(()))):  # fmt: skip
            self.register_buffer(name, start)

    @property
    def marks(self) -> dict[str, str]:
        return {
            "file": self.file,
            "weights": content_hash(*(tensor for _, tensor in sorted(self.state_dict().items()))),
        }

    @torch.no_grad()
    def encode(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """The codes of points of the training space, of unit size, on the same device and in the same type."""
        return self._each(points, lambda rows: (self.encoder(self.to_inputs(rows)) - self.centre) / self.scale)

    @torch.no_grad()
    def decode(self, codes: Float[Tensor, "n k"]) -> Float[Tensor, "n d"]:
        return self._each(codes, lambda rows: self._to_points(self.decoder(rows * self.scale + self.centre)))

    def codes_of(self, space: Space) -> Space:
        return Space.of_codes(self.dimension, space.class_frequencies)

    def coded(self, target: Target) -> Target:
        space = self.codes_of(target.space)
        if isinstance(target, Finite):
            return self._finite(target, space)
        return _Coded(target, self, space)

    def _finite(self, target: Finite, space: Space) -> Finite:
        apart = None if target.held_out is None else self._finite(target.held_out, space)
        points = self.encode(target.points)
        return Finite(points, target.labels, space, target.notes, target.classes, apart)

    def error(self, points: Float[Tensor, "n d"]) -> float:
        """Root mean square distance between points and their reconstructions; the mean of the data would have 1."""
        return float((self.decode(self.encode(points)) - points).square().sum(dim=1).mean().sqrt())

    def to_inputs(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """What the encoder sees: pixels from 0 to 1, or the points themselves."""
        if not self.space.image:
            return points
        shift = torch.tensor(self.space.shift, dtype=points.dtype, device=points.device)
        return (points * self.space.scale[0] + shift - self.low) / self.range

    def _to_points(self, outputs: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        if not self.space.image:
            return outputs
        shift = torch.tensor(self.space.shift, dtype=outputs.dtype, device=outputs.device)
        return (outputs.sigmoid() * self.range + self.low - shift) / self.space.scale[0]

    def set_range(self, points: Float[Tensor, "n d"]) -> None:
        if self.space.image:
            pixels = self.to_inputs(points)
            self.low.copy_(pixels.min())
            self.range.copy_(pixels.max() - pixels.min())

    def set_scale(self, points: Float[Tensor, "n d"]) -> None:
        z = self.encode(points)
        self.centre.copy_(z.mean(dim=0))
        self.scale.copy_((z - self.centre).square().sum(dim=1).mean().sqrt())

    def _each(self, rows: Tensor, of: Any) -> Tensor:
        parts = [of(some.to(self.scale)).to(rows) for some in rows.split(_AT_ONCE)]
        return torch.cat(parts)


@dataclass(frozen=True)
class _Coded:
    """A target without end, coded as it is drawn."""

    target: Target
    codes: Codes
    space: Space

    @property
    def size(self) -> int | None:
        return self.target.size

    def sample(self, n: int, generator: Generator, dtype: torch.dtype) -> Batch:
        batch = self.target.sample(n, generator, dtype)
        return Batch(self.codes.encode(batch.points), batch.labels)


def _points(target: Target, seed: int) -> Float[Tensor, "n d"]:
    if isinstance(target, Finite):
        return target.points
    return target.sample(_DRAWN, torch.Generator().manual_seed(seed), torch.float32).points
