"""Theorem 4.1 and Proposition 5.1, exactly and from samples (Figure 1, Appendix I.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Generator

from drift_cli.figures.attempts import Drawing
from drift_cli.studies.numbers import Measured
from drift_cli.studies.study import study
from drift_cli.studies.verify_score import estimator, figures, identifiability, identity, reported, samples
from drift_cli.studies.verify_score.estimator import Expansion, Tails
from drift_cli.studies.verify_score.identifiability import OnTorus
from drift_cli.studies.verify_score.identity import Controls, Identity
from drift_cli.studies.verify_score.reported import Figure1
from drift_cli.studies.verify_score.samples import Errors, Fields
from drift_cli.studies.verify_score.settings import VerifyScoreConfig
from drift_cli.theory import mixture


@dataclass(frozen=True)
class Result(Measured):
    identity: Identity
    controls: Controls
    errors: Errors
    expansion: Expansion
    tails: Tails
    torus: OnTorus
    figure_1: Figure1
    fields: Fields


def run(config: VerifyScoreConfig, path: Path) -> Result:
    """Everything, into the run folder `path`."""
    with study("verify-score", config, path, config.seed, parts=7) as s:
        p, q = mixture.ring(config.modes, config.radius, config.deviation), mixture.normal(2)
        s.part("exact identities")
        exact = identity.identity(config, _stream(config, 0), _stream(config, 1))
        s.part("negative controls")
        controls = identity.controls(p, q, _stream(config, 2))
        s.part("error against N")
        errors = samples.errors(config, p, q, _stream(config, 3))
        s.part("bias and variance of the estimator")
        expansion = estimator.expansion(mixture.normal(1), _stream(config, 4))
        tails = estimator.tails(config, q, _stream(config, 5))
        s.part("identifiability")
        torus = identifiability.on_torus()
        s.part("comparison with the digest")
        figure_1 = reported.figure_1(config, _stream(config, 7))
        s.part("figures")
        fields = samples.fields(config, p, q, _stream(config, 6))
        result = Result(exact, controls, errors, expansion, tails, torus, figure_1, fields)
        s.leave(result, _drawn(result, s.drawings))
    return result


def _stream(config: VerifyScoreConfig, part: int) -> Generator:
    """Each part draws from its own, so that a change of one leaves the others as they were."""
    state = np.random.SeedSequence([config.seed, part]).generate_state(1, np.uint64)
    return Generator().manual_seed(int(state[0] >> 1))


def _drawn(result: Result, folder: Path) -> Iterator[Drawing]:
    curves, amplitude = result.torus.curves, identifiability.AMPLITUDE
    yield "identifiability", lambda: figures.draw_identifiability(curves, amplitude, folder)
    yield "fields", lambda: figures.draw_fields(result.fields, folder)
    yield "errors", lambda: figures.draw_errors(result.errors.monte_carlo, result.errors.monte_carlo_exponent, folder)
    yield "estimator", lambda: figures.draw_estimator(result.expansion.estimator, result.tails, folder)
