"""`drift verify-score`: Theorem 4.1 and Proposition 5.1, exactly and from samples (Figure 1, Appendix I.1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Generator

from drift_cli.config.verify_score import VerifyScoreConfig
from drift_cli.experiments import (
    score_estimator,
    score_identifiability,
    score_identity,
    score_reported,
    score_samples,
)
from drift_cli.experiments.score_estimator import Estimator, Tails
from drift_cli.experiments.score_samples import Exponent, MonteCarlo
from drift_cli.figures import verify_score as figures
from drift_cli.report.study import study
from drift_cli.theory import mixture


@dataclass(frozen=True)
class Result:
    identity_max_error: float
    monte_carlo: MonteCarlo
    exponent: Exponent
    estimator: Estimator
    tails: Tails


def run(config: VerifyScoreConfig, path: Path) -> Result:
    """Everything, into the run folder `path`."""
    p, q = mixture.ring(config.modes, config.radius, config.deviation), mixture.normal(2)

    def stream(part: int) -> Generator:
        """Each part draws from its own, so that a change of one leaves the others as they were."""
        state = np.random.SeedSequence([config.seed, part]).generate_state(1, np.uint64)
        return Generator().manual_seed(int(state[0] >> 1))

    with study("verify-score", config, path, config.seed, parts=7) as s:
        s.part("exact identities")
        score_identity.identity(s, config, stream(0), stream(1))
        s.part("negative controls")
        score_identity.controls(s, p, q, stream(2))
        s.part("error against N")
        monte_carlo, exponent = score_samples.errors(s, config, p, q, stream(3))
        s.part("bias and variance of the estimator")
        estimator = score_estimator.estimator(s, mixture.normal(1), stream(4))
        tails = score_estimator.tails(s, config, q, stream(5))
        s.part("identifiability")
        torus = score_identifiability.on_torus(s)
        s.part("what a digest reports")
        score_reported.errors(s, config, stream(7))
        s.part("figures")
        fields, folder = score_samples.fields(config, p, q, stream(6)), path / "figures"
        s.figures += [
            figures.draw_identifiability(torus, score_identifiability.AMPLITUDE, folder),
            figures.draw_fields(fields, folder),
            figures.draw_errors(monte_carlo, exponent, folder),
            figures.draw_estimator(estimator, tails, folder),
        ]
    return Result(s.summary["identity_max_error"], monte_carlo, exponent, estimator, tails)
