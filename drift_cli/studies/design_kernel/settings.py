"""Settings of `drift design-kernel`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from drift_cli.config.checked import Checked, Positive, Seed, Steps, within


@dataclass(kw_only=True)
class DesignKernelConfig(Checked):
    """Frequencies are those of a torus of period 2π."""

    modes: Annotated[list[int], within(3, 300)]
    dimensions: Annotated[list[int], within(1, 256)]
    epsilon: Annotated[float, within(1e-12, 0.5)]
    sigma0: Positive
    step_modes: Annotated[list[int], within(3, 100)]
    noise_samples: Annotated[list[int], within(16, 100_000)]
    draws: Annotated[int, within(10, 100_000)]
    given_modes: Annotated[int, within(3, 300)]
    given_dimension: Annotated[int, within(1, 3)]
    given_steps: Steps
    spectra: Annotated[list[float], within(0, 20)]
    batches: Annotated[list[int], within(2, 10_000_000)]
    made_batch: Annotated[int, within(16, 100_000)]
    made_repeats: Annotated[int, within(1, 10_000)]
    seed: Seed
