"""Theorem 4.1 and Proposition 5.1, exactly and from samples (Figure 1, Appendix I.1)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Generator

from drift_cli.studies.study import study
from drift_cli.studies.verify_score import estimator, figures, identifiability, identity, reported, samples
from drift_cli.studies.verify_score.settings import VerifyScoreConfig
from drift_cli.theory import mixture


def run(config: VerifyScoreConfig, path: Path) -> None:
    """Everything, into the run folder `path`."""
    with study("verify-score", config, path, config.seed, parts=6) as s:
        p, q = mixture.ring(config.modes, config.radius, config.deviation), mixture.normal(2)
        s.part("exact identities")
        s.leave(identity.identity(config, _stream(config, 0), _stream(config, 1)))
        s.part("negative controls")
        s.leave(identity.controls(p, q, _stream(config, 2)))
        s.part("error against N")
        errors = samples.errors(config, p, q, _stream(config, 3))
        fields = samples.fields(config, p, q, _stream(config, 6))
        measured = errors.monte_carlo, errors.monte_carlo_exponent
        s.leave(
            errors,
            [
                ("fields", lambda: figures.draw_fields(fields, s.drawings)),
                ("errors", lambda: figures.draw_errors(*measured, s.drawings)),
            ],
        )
        s.part("bias and variance of the estimator")
        expansion = estimator.expansion(mixture.normal(1), _stream(config, 4))
        s.leave(expansion)
        tails = estimator.tails(config, q, _stream(config, 5))
        s.leave(tails, [("estimator", lambda: figures.draw_estimator(expansion.estimator, tails, s.drawings))])
        s.part("identifiability")
        torus, amplitude = identifiability.on_torus(), identifiability.AMPLITUDE
        s.leave(torus, [("identifiability", lambda: figures.draw_identifiability(torus.curves, amplitude, s.drawings))])
        s.part("comparison with the digest")
        s.leave(reported.figure_1(config, _stream(config, 7)))


def _stream(config: VerifyScoreConfig, part: int) -> Generator:
    """Each part draws from its own, so that a change of one leaves the others as they were."""
    state = np.random.SeedSequence([config.seed, part]).generate_state(1, np.uint64)
    return Generator().manual_seed(int(state[0] >> 1))
