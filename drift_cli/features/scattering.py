"""Wavelet scattering."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Annotated

import torch
from jaxtyping import Complex, Float
from torch import Tensor
from torch.nn.functional import pad

from drift_cli.data import Target
from drift_cli.data.planes import Shape, image_shape, to_planes
from drift_cli.errors import UserError
from drift_cli.features.base import Features, Maps
from drift_cli.rules import between
from drift_cli.setting import Checked, Setting
from drift_cli.space import Fitting

_WIDTH = 0.8  # of the Gaussian windows, in pixels times the scale
_CENTRE = 3 * math.pi / 4  # frequency of the finest wavelets


@dataclass(frozen=True)
class Scattering(Checked):
    r"""Wavelet scattering of second order (Bruna & Mallat 2013): features without training.

    With Morlet wavelets $\psi_{j\theta}$ of scales $2^j$, $j < J$, and L angles, and the Gaussian low pass $\phi_J$,

    $$S_0 = x * \phi_J,\qquad S_1 = |x * \psi_{j\theta}| * \phi_J,\qquad
    S_2 = \bigl||x * \psi_{j_1\theta_1}| * \psi_{j_2\theta_2}\bigr| * \phi_J \;\;(j_1 < j_2),$$

    taken at every $2^J$-th pixel: $1 + JL + J(J-1)L^2/2$ maps for each channel. The filters are those of Kymatio
    (Andreux et al. 2020), divided by one number so that $|\hat\phi|^2 + \tfrac12\sum(|\hat\psi(\omega)|^2 +
    |\hat\psi(-\omega)|^2) \le 1$ at every frequency: then distances never grow.
    """

    scales: Annotated[int, Setting("J: maps are 2^J times smaller than the image", (partial(between, low=1, high=6),))]
    angles: Annotated[int, Setting("L: wavelets per scale", (partial(between, low=1, high=16),))]

    def fitted(self, target: Target, fitting: Fitting) -> Features:
        shape = image_shape(target.space, "drift.encoder=scattering", "space=identity or another drift")
        if min(shape[:2]) <= 2**self.scales:
            raise UserError(
                f"drift.encoder.scales={self.scales} needs images of more than {2**self.scales} pixels per side, and "
                f"these have {shape[0]} x {shape[1]}: lower it."
            )
        return Scatter(shape, self.scales, self.angles).to(fitting.device)


class Scatter(Features):
    """`maps` gives all of it as one map [n, channels · orders, h/2^J, w/2^J]; images are mirrored at their edges."""

    wavelets: Tensor
    low: Tensor

    def __init__(self, shape: Shape, scales: int, angles: int) -> None:
        super().__init__()
        self.shape, self.scales, self.step = shape, scales, 2**scales
        self.size = math.sqrt(math.prod(shape))
        grid = [side + 2 * self.step + (-side) % self.step for side in shape[:2]]
        low = _gaussian(grid, _WIDTH * 2 ** (scales - 1), 0.0, 0.0, 1.0)
        wavelets = torch.stack(
            [_morlet(grid, j, math.pi * k / angles, 4 / angles) for j, k in product(range(scales), range(angles))]
        )
        turned = wavelets.flip(1, 2).roll((1, 1), (1, 2))  # at -ω
        room = (1 - low**2).clamp(min=0) / ((wavelets**2 + turned**2).sum(dim=0) / 2).clamp(min=1e-12)
        wavelets = wavelets * float(room[low < 0.99].min().sqrt())
        self.scale_of = [j for j, _ in product(range(scales), range(angles))]
        self.register_buffer("low", low.float())
        self.register_buffer("wavelets", wavelets.float())
        self.report = {"maps": 1 + len(wavelets) + angles**2 * scales * (scales - 1) // 2}

    def forward(self, points: Float[Tensor, "n d"]) -> Maps:
        height, width, _ = self.shape
        planes = to_planes(points.to(self.low.dtype), self.shape) * self.size
        edge = self.step
        planes = pad(planes, (edge, edge + (-width) % edge, edge, edge + (-height) % edge), mode="reflect")
        spectrum = torch.fft.fft2(planes)
        found = [self._averaged(spectrum)]
        for k, wavelet in enumerate(self.wavelets):
            first = torch.fft.fft2(_modulus(torch.fft.ifft2(spectrum * wavelet)))
            found.append(self._averaged(first))
            for wider in [w for w, j in zip(self.wavelets, self.scale_of, strict=True) if j > self.scale_of[k]]:
                found.append(self._averaged(torch.fft.fft2(_modulus(torch.fft.ifft2(first * wider)))))
        return [torch.cat(found, dim=1)]

    def _averaged(self, spectrum: Complex[Tensor, "n c h w"]) -> Float[Tensor, "n c i j"]:
        smooth = torch.fft.ifft2(spectrum * self.low).real
        rows, columns = (slice(self.step, self.step + side, self.step) for side in self.shape[:2])
        return smooth[:, :, rows, columns]


def _modulus(z: Complex[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """|z|, with a derivative at zero."""
    return (z.real.square() + z.imag.square() + 1e-12).sqrt()


def _gaussian(grid: list[int], width: float, centre: float, angle: float, slant: float) -> Float[Tensor, "h w"]:
    """The transform of a Gaussian window of this width at this frequency, narrower by `slant` along its wave fronts."""
    total = torch.zeros(grid, dtype=torch.float64)
    down, across = (2 * math.pi * torch.fft.fftfreq(side, dtype=torch.float64) for side in grid)
    for turn_down, turn_across in product((-2, -1, 0, 1, 2), repeat=2):  # sampling repeats the spectrum
        y, x = (down + 2 * math.pi * turn_down).unsqueeze(1), across + 2 * math.pi * turn_across
        along, beside = math.cos(angle) * x + math.sin(angle) * y, math.cos(angle) * y - math.sin(angle) * x
        total += torch.exp(-(width**2) * ((along - centre) ** 2 + (beside / slant) ** 2) / 2)
    return total


def _morlet(grid: list[int], j: int, angle: float, slant: float) -> Float[Tensor, "h w"]:
    """A Gaussian at a frequency less one at zero, so that its mean is nothing."""
    width, centre = _WIDTH * 2**j, _CENTRE / 2**j
    wave, window = _gaussian(grid, width, centre, angle, slant), _gaussian(grid, width, 0.0, angle, slant)
    return wave - wave[0, 0] / window[0, 0] * window
