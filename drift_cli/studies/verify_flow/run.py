"""The drift against the Wasserstein gradient flow of the smoothed KL (Proposition 5.5, App. E)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from drift_cli.errors import UserError
from drift_cli.studies.study import refused, study
from drift_cli.studies.verify_flow import descent, figures, gap, jko_scheme, jko_step, limits
from drift_cli.studies.verify_flow.settings import VerifyFlowConfig
from drift_cli.studies.verify_flow.starts import quantiles, rare_target, single_mode, target
from drift_cli.theory.jko import NotSolved
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import noised_velocity

_NODES_TOLERANCE = 1e-11  # by how much the exact velocity may change when the nodes are doubled, relatively


@refused(NotSolved, ": raise residual, or choose shorter steps")
def run(config: VerifyFlowConfig, path: Path) -> None:
    """First variation, gap, JKO steps, their limit, the counterexample, other limits; write what was found."""
    with _threads(config.threads):
        _run(config, path)


def _run(config: VerifyFlowConfig, path: Path) -> None:
    generator = torch.Generator().manual_seed(config.seed)
    p, particles = target(config), 1.5 * torch.randn(config.particles, 1, generator=generator, dtype=torch.float64)
    _check_nodes(config, p, particles)
    with study("verify-flow", config, path, config.seed, parts=9) as s:
        s.part("the first variation")
        s.leave(gap.first_variation(config, p, particles, generator))
        s.part("the gap to the plain drift")
        gaps, modes = gap.gaps(config, p), gap.modes(config)
        s.leave(gaps)
        s.leave(modes, [("gaps", lambda: figures.gaps(gaps, modes.rates, s.drawings))])
        s.part("JKO steps")
        distances = jko_step.distances(config, p)
        s.leave(distances)
        s.leave(jko_step.minimisers(config, p, generator))
        s.part("schemes and their energies")
        bandwidth, energies = config.bandwidths[-1], jko_scheme.energies(config, p)
        s.leave(energies, [("energies", lambda: figures.energies(energies, bandwidth, s.drawings))])
        s.part("the JKO scheme as its step shrinks")
        limit = jko_scheme.limit(config, p)
        s.leave(limit, [("jko", lambda: figures.jko(distances.steps, distances.jko_order, limit, s.drawings))])
        s.part("the counterexample")
        counter = descent.counterexample(config, generator)
        s.leave(counter)
        s.part("a search for energies that rise")
        search = descent.search(config, generator)
        s.leave(search, [("counterexample", lambda: figures.counterexample(counter, search, s.drawings))])
        s.part("particles as their step shrinks and their number grows")
        start = quantiles("normal", p, config.quantiles)
        small_steps = limits.small_steps(p, bandwidth, start, config.nodes)
        s.leave(small_steps)
        many_particles = limits.many_particles(p, bandwidth, start, config.seed)
        s.leave(many_particles)
        s.part("energy and velocity as measures converge")
        continuity = limits.continuity(p, single_mode(p), config.bandwidths, config.nodes)
        s.leave(continuity, [("limits", lambda: figures.limits(small_steps, many_particles, continuity, s.drawings))])


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
