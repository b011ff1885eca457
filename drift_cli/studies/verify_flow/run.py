"""`drift verify-flow`: the drift against the Wasserstein gradient flow of the smoothed KL (Proposition 5.5, App. E)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from drift_cli.errors import UserError
from drift_cli.studies.study import study
from drift_cli.studies.verify_flow import descent as flow_descent
from drift_cli.studies.verify_flow import figures as figure
from drift_cli.studies.verify_flow import gap as flow_gap
from drift_cli.studies.verify_flow import jko_scheme as flow_jko_scheme
from drift_cli.studies.verify_flow import jko_step as flow_jko_step
from drift_cli.studies.verify_flow import limits as flow_limits
from drift_cli.studies.verify_flow.descent import Counterexample
from drift_cli.studies.verify_flow.settings import VerifyFlowConfig
from drift_cli.studies.verify_flow.starts import quantiles, rare_target, single, target
from drift_cli.theory.jko import NotSolved
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import noised_velocity

_NODES_TOLERANCE = 1e-11  # by how much the exact velocity may change when the nodes are doubled, relatively


@dataclass(frozen=True)
class Result:
    """What was measured; `summary` is what summary.json holds."""

    summary: dict[str, float]
    counterexample: Counterexample


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
        flow_gap.first_variation(s, config, p, particles, generator)
        s.part("the gap to the plain drift")
        gaps, modes = flow_gap.gap(s, config, p), flow_gap.modes(s, config)
        s.part("JKO steps")
        steps = flow_jko_step.distances(s, config, p)
        flow_jko_step.uniqueness(s, config, p, generator)
        flow_jko_step.minimality(s, config, p)
        s.part("schemes and their energies")
        energies = flow_jko_scheme.energies(s, config, p)
        flow_jko_scheme.summability(s, config, p)
        s.part("the JKO scheme as its step shrinks")
        limit = flow_jko_scheme.limit(s, config, p)
        s.part("the counterexample")
        counterexample = flow_descent.counterexample(s, config, generator)
        s.part("a search for energies that rise")
        search = flow_descent.search(s, config, generator)
        s.part("particles as their step shrinks and their number grows")
        bandwidth, start = config.bandwidths[-1], quantiles("normal", p, config.quantiles)
        particle_limits = flow_limits.particles(s, p, bandwidth, start, config.nodes, config.seed)
        s.part("energy and velocity as measures converge")
        continuity = flow_limits.continuity(s, p, single(p), config.bandwidths, config.nodes)
        orders = {key: s.summary[f"jko_order_{key}"] for key in ("frozen", "drift", "step")}
        folder = path / "figures"
        s.figures += [
            figure.gaps(gaps, modes, folder),
            figure.jko(steps, limit, orders, folder),
            figure.energies(energies, bandwidth, folder),
            figure.counterexample(counterexample, config.noised_draws, search, folder),
            figure.limits(particle_limits, continuity, folder),
        ]
    return Result(s.summary, counterexample)


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
