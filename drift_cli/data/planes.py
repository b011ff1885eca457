"""Images as rows of points, and as planes [n, c, h, w] that convolutions take."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from drift_cli.data.space import Space
from drift_cli.errors import UserError

Shape = tuple[int, int, int]  # height, width, channels


def image_shape(space: Space, who: str, instead: str) -> Shape:
    """Height, width and channels of the images of `space`. Raises `UserError` where its points are none."""
    if not space.image:
        raise UserError(f"{who} needs images, and these are points with {space.dimension} coordinates: use {instead}.")
    shape = (*space.image, 1)
    return shape[0], shape[1], shape[2]


def to_planes(x: Float[Tensor, "n d"], shape: Shape) -> Float[Tensor, "n c h w"]:
    """Rows [n, h·w·c], the channels of a pixel side by side, as planes."""
    pixels: Tensor = x.unflatten(1, shape)
    return pixels.permute(0, 3, 1, 2)


def from_planes(planes: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
    """Planes as rows, the inverse of `to_planes`."""
    return planes.permute(0, 2, 3, 1).flatten(1)
