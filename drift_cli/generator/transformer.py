r"""Images from noise by a small transformer over patches, as DiT (Peebles & Xie 2023) without its time.

Each patch starts as its own noise, through one linear layer, plus a learned position embedding. A first token is the
class, a second the strength of guidance where the generator is given it; their sum c also sets scale s, shift b and
gate g of every block (adaptive normalisation), each linear in SiLU(c):

$$t \leftarrow t + (1 + g)\,F\bigl((1 + s)\,\mathrm{norm}(t) + b\bigr), \qquad F = \text{attention, then MLP}.$$

A last linear layer makes the pixels of each patch. Nothing starts at zero, as DiT's gates and last layer do: a
generator that starts with all samples in one place has nothing to drift apart from.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, ClassVar, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from drift_cli.data.planes import Shape, image_shape
from drift_cli.data.space import Space
from drift_cli.errors import UserError
from drift_cli.generator.base import check_labels
from drift_cli.generator.network import MOST_WEIGHTS, Network
from drift_cli.rules import between
from drift_cli.setting import Setting

_count = partial(between, low=1, high=4096)
_MOST_TOKENS = 64  # where the settings leave the patch open


class Transformer(Network):
    r"""`shape`: height, width, channels; `patch`: side of a patch, which divides both; `width`: of a token.

    The pixels are divided by √d, so that samples of the start are of about unit size, as the training space is.
    """

    of_images: ClassVar[bool] = True

    def __init__(
        self, shape: Shape, patch: int, width: int, blocks: int, heads: int, classes: int = 0, *, guided: bool = False
    ) -> None:
        height, wide, channels = shape
        self.grid = (height // patch, wide // patch)
        tokens, pixels = math.prod(self.grid), patch * patch * channels
        super().__init__(tokens * pixels + guided, classes, guided=guided)
        self.shape, self.patch = shape, patch
        self.enter = nn.Linear(pixels, width)
        self.positions = _Table(tokens + 1 + guided, width)
        self.kinds = _Table(max(classes, 1), width)
        self.strength = nn.Linear(1, width) if guided else None
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(blocks))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, pixels))

    @classmethod
    def from_settings(
        cls,
        space: Space,
        /,
        patch: Annotated[
            int | None, Setting("side of a patch; null: the smallest above 1 with at most 64 patches", (_count,))
        ],
        width: Annotated[int, Setting("dimension of a token", (_count,))],
        blocks: Annotated[int, Setting("number of blocks of attention and MLP", (_count,))],
        heads: Annotated[int, Setting("attention heads; must divide width", (_count,))],
    ) -> Self:
        """A network from noise to the images of `space`.

        Raises `UserError` if its points are not images, or the patch does not divide their sides.
        """
        shape = image_shape(space, "generator=transformer", "generator=mlp")
        divide = [side for side in range(1, min(shape[:2]) + 1) if shape[0] % side == shape[1] % side == 0]
        if patch is not None and patch not in divide:
            raise UserError(
                f"generator.patch must divide both sides of the images, {shape[0]} and {shape[1]}, got {patch}: "
                f"choose from {divide}."
            )
        if patch is None:
            few = [side for side in divide if side > 1 and shape[0] * shape[1] // side**2 <= _MOST_TOKENS]
            patch = few[0] if few else divide[-1]
        return cls(shape, patch, width, blocks, heads, len(space.class_frequencies or ()), guided=space.guidance)

    @staticmethod
    def check_settings(width: int, blocks: int, heads: int, **_: object) -> None:
        if width % heads:
            raise UserError(f"generator.heads must divide generator.width, got {heads} and {width}: choose another.")
        if 18 * blocks * width**2 > MOST_WEIGHTS:
            raise UserError(
                f"generator.blocks={blocks} of generator.width={width} are {18 * blocks * width**2:,} weights, "
                f"above the {MOST_WEIGHTS:,} allowed here: lower them."
            )

    def forward(self, noise: Float[Tensor, "n z"], labels: Int[Tensor, " n"] | None = None) -> Float[Tensor, "n d"]:
        check_labels(labels, self.classes)
        first = [self.kinds.rows[labels] if labels is not None else self.kinds.rows.expand(len(noise), -1)]
        if self.strength is not None:
            first.append(self.strength(noise[:, :1]))
            noise = noise[:, 1:]
        patches = self.enter(noise.unflatten(1, (math.prod(self.grid), -1)))
        tokens = torch.cat([*(token.unsqueeze(1) for token in first), patches], dim=1) + self.positions.rows
        told = torch.stack(first).sum(dim=0)
        for block in self.blocks:
            tokens = block(tokens, told)
        patches = self.leave(tokens[:, len(first) :]).unflatten(1, self.grid)
        pixels: Tensor = patches.unflatten(3, (self.patch, self.patch, -1))
        return pixels.transpose(2, 3).flatten(1) / math.sqrt(math.prod(self.shape))


class _Block(nn.Module):
    """Attention and an MLP of four times the width, both normalised, shifted and gated by what the first tokens say."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.adapt = nn.Linear(width, 6 * width)
        self.attend, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Float[Tensor, "n t w"], told: Float[Tensor, "n w"]) -> Float[Tensor, "n t w"]:
        adapted = self.adapt(nn.functional.silu(told)).unsqueeze(1).chunk(6, dim=2)
        scale, shift, gate = adapted[:3]
        tokens = tokens + (1 + gate) * self._attention((1 + scale) * self.norm(tokens) + shift)
        scale, shift, gate = adapted[3:]
        tokens = tokens + (1 + gate) * self.mlp((1 + scale) * self.norm(tokens) + shift)
        return tokens

    def _attention(self, tokens: Float[Tensor, "n t w"]) -> Float[Tensor, "n t w"]:
        queries, keys, values = self.attend(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        joined: Tensor = self.joined(scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2))
        return joined


class _Table(nn.Module):
    """Learned rows."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.empty(count, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.rows, std=0.5)
