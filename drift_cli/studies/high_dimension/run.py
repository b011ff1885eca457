"""`drift high-dimension`: annealing against its rivals as the dimension grows, at equal cost and equal tuning."""

from __future__ import annotations

from pathlib import Path

from drift_cli.studies.high_dimension import collapse, comparison, figures, images, network, self_terms
from drift_cli.studies.high_dimension.lost_mode import lost_mode
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import places
from drift_cli.studies.study import study


def run(config: HighDimensionConfig, path: Path) -> None:
    """Choose the bandwidths, make every run that is not made yet, and write tables, figures, summary and claims."""
    with study("high-dimension", config, path, config.seeds[0], _parts(config), resumable=True) as s:
        flows = comparison.particles(config, s)
        s.leave(flows, [("against_dimension", lambda: figures.against_dimension(config, flows, s.drawings))])
        if high := comparison.spans(config).get("high"):
            s.leave(lost_mode(config, high))
        if config.self_dimensions:
            terms = self_terms.self_terms(config, s)
            s.leave(terms, [("self_terms", lambda: figures.self_terms(config, terms, s.drawings))])
        if config.network.methods:
            networks = network.network(config, s)
            s.leave(networks, [("network", lambda: figures.networks(config, networks, s.drawings))])
        if config.images.methods:
            of_images = images.images(config, s)
            s.leave(of_images, [("images", lambda: figures.of_images(config, of_images, s.drawings))])
        if config.collapse.dimensions:
            narrow = collapse.collapse(config, s)
            s.leave(narrow, [("collapse", lambda: figures.collapse(config, narrow, s.drawings))])


def _parts(config: HighDimensionConfig) -> int:
    net, of_images, narrow, seeds = config.network, config.images, config.collapse, len(config.seeds)
    particles = len(places(config)) * (1 + seeds)
    networks = len(net.methods) * len(net.starts) * (len(net.factors) + len(network.BUDGETS) * len(net.seeds))
    cells = len(of_images.methods) * len(of_images.spaces) * len(of_images.classes)
    pictures = cells * (len(of_images.factors) + len(of_images.seeds))
    collapses = len(narrow.dimensions) * len(narrow.spreads) * len(collapse.FORMS) * len(narrow.seeds)
    return 2 + particles + len(config.self_dimensions) * seeds + networks + pictures + collapses
