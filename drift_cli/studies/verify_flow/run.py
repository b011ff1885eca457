"""The drift against the Wasserstein gradient flow of the smoothed KL (Proposition 5.5, App. E)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from drift_cli.errors import UserError
from drift_cli.figures.attempts import Drawing
from drift_cli.studies.numbers import Measured
from drift_cli.studies.study import study
from drift_cli.studies.verify_flow import descent, figures, gap, jko_scheme, jko_step, limits
from drift_cli.studies.verify_flow.settings import VerifyFlowConfig
from drift_cli.studies.verify_flow.starts import quantiles, rare_target, single_mode, target
from drift_cli.theory.jko import NotSolved
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import noised_velocity

_NODES_TOLERANCE = 1e-11  # by how much the exact velocity may change when the nodes are doubled, relatively


@dataclass(frozen=True)
class Result(Measured):
    """What each part found."""

    first_variation: gap.FirstVariation
    gaps: gap.Gaps
    modes: gap.ModeGaps
    distances: jko_step.Distances
    minimisers: jko_step.Minimisers
    energies: jko_scheme.Energies
    limit: jko_scheme.Limit
    counterexample: descent.Counterexample
    search: descent.Search
    small_steps: limits.SmallSteps
    many_particles: limits.ManyParticles
    continuity: limits.Continuity


def run(config: VerifyFlowConfig, path: Path) -> Result:
    """First variation, gap, JKO steps, their limit, the counterexample, other limits; write what was found."""
    with _threads(config.threads), _refused():
        return _run(config, path)


def _run(config: VerifyFlowConfig, path: Path) -> Result:
    generator = torch.Generator().manual_seed(config.seed)
    p, particles = target(config), 1.5 * torch.randn(config.particles, 1, generator=generator, dtype=torch.float64)
    _check_nodes(config, p, particles)
    with study("verify-flow", config, path, config.seed, parts=9) as s:
        s.part("the first variation")
        first_variation = gap.first_variation(config, p, particles, generator)
        s.part("the gap to the plain drift")
        gaps, modes = gap.gaps(config, p), gap.modes(config)
        s.part("JKO steps")
        distances, minimisers = jko_step.distances(config, p), jko_step.minimisers(config, p, generator)
        s.part("schemes and their energies")
        energies = jko_scheme.energies(config, p)
        s.part("the JKO scheme as its step shrinks")
        limit = jko_scheme.limit(config, p)
        s.part("the counterexample")
        counterexample = descent.counterexample(config, generator)
        s.part("a search for energies that rise")
        search = descent.search(config, generator)
        s.part("particles as their step shrinks and their number grows")
        bandwidth, start = config.bandwidths[-1], quantiles("normal", p, config.quantiles)
        small_steps = limits.small_steps(p, bandwidth, start, config.nodes)
        many_particles = limits.many_particles(p, bandwidth, start, config.seed)
        s.part("energy and velocity as measures converge")
        continuity = limits.continuity(p, single_mode(p), config.bandwidths, config.nodes)
        result = Result(
            first_variation, gaps, modes, distances, minimisers, energies, limit, counterexample, search, small_steps,
            many_particles, continuity,
        )  # fmt: skip
        s.leave(result, _drawn(result, bandwidth, s.drawings))
    return result


def _drawn(result: Result, bandwidth: float, folder: Path) -> Iterator[Drawing]:
    yield "gaps", lambda: figures.gaps(result.gaps, result.modes.rates, folder)
    yield "jko", lambda: figures.jko(result.distances.steps, result.distances.jko_order, result.limit, folder)
    yield "energies", lambda: figures.energies(result.energies, bandwidth, folder)
    yield "counterexample", lambda: figures.counterexample(result.counterexample, result.search, folder)
    yield "limits", lambda: figures.limits(result.small_steps, result.many_particles, result.continuity, folder)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _refused() -> Iterator[None]:
    """A minimisation that does not reach the residual is the user's setting."""
    try:
        yield
    except NotSolved as error:
        raise UserError(f"{error}: raise residual, or choose shorter steps.") from error


def _check_nodes(config: VerifyFlowConfig, p: GaussianMixture, particles: Tensor) -> None:
    """Before any work: twice as many nodes must not change the velocity, of these particles and of the point mass."""
    rare, start = rare_target(config), torch.tensor([[config.start]], dtype=torch.float64)
    for mixture, bandwidth, x in [(p, bandwidth, particles) for bandwidth in config.bandwidths] + [(rare, 1.0, start)]:
        coarse, fine = (noised_velocity(mixture, bandwidth, x, x, nodes) for nodes in (config.nodes, 2 * config.nodes))
        change = float((coarse - fine).abs().max() / fine.abs().max())
        if not change <= _NODES_TOLERANCE:
            raise UserError(
                f"nodes={config.nodes} is too coarse for a bandwidth of {bandwidth:g} (twice as many change the "
                f"velocity by {change:.1e}): raise nodes."
            )
