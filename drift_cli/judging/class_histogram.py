r"""Whether the classes of the generated images have the frequencies they should have: Pearson's test,

$$\chi^2 = \sum_c\frac{(n_c - nf_c)^2}{nf_c}, \qquad p = P[\chi^2_{C-1} \ge \chi^2],$$

$n_c$ the images in which the judge sees class c, $f_c$ its frequency (Pearson 1900; scipy.stats.chisquare). Of a fair
sample p is uniform on [0, 1], up to the judge's mistakes; a missing class makes it 0.
"""

from __future__ import annotations

import torch
from jaxtyping import Int
from scipy.stats import chisquare
from torch import Tensor


def class_counts(answers: Int[Tensor, " n"], classes: int) -> Int[Tensor, " classes"]:
    """How many images the judge sees of each class."""
    return torch.bincount(answers, minlength=classes)


def histogram_p(answers: Int[Tensor, " n"], real: Int[Tensor, " m"]) -> float:
    """p of the histogram of `answers`, where the frequencies are those of `real`."""
    classes = int(max(answers.max(), real.max())) + 1
    seen, frequencies = class_counts(answers, classes).double(), class_counts(real, classes).double() / len(real)
    if bool((seen[frequencies == 0] > 0).any()):
        return 0.0  # a class that does not occur
    there = frequencies > 0
    return float(chisquare(seen[there].numpy(), (len(answers) * frequencies[there]).numpy()).pvalue)
