"""`drift high-dimension`: annealing against its rivals as the dimension grows, at equal cost and equal tuning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from drift_cli.figures.attempts import Drawing
from drift_cli.studies import kept_runs
from drift_cli.studies.high_dimension import collapse, comparison, figures, images, network, self_terms
from drift_cli.studies.high_dimension.collapse import Collapse
from drift_cli.studies.high_dimension.comparison import Particles
from drift_cli.studies.high_dimension.images import Images
from drift_cli.studies.high_dimension.lost_mode import LostMode, lost_mode
from drift_cli.studies.high_dimension.network import Network
from drift_cli.studies.high_dimension.particles import Case, Flow
from drift_cli.studies.high_dimension.self_terms import SelfTerms
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place, automatic, places
from drift_cli.studies.numbers import Measured
from drift_cli.studies.study import Study, refuse_another, study

Units = dict[str, float]  # the automatic bandwidth of each kernel


@dataclass(frozen=True)
class Result(Measured):
    particles: Particles
    control: LostMode | None
    self_terms: SelfTerms | None
    network: Network | None
    images: Images | None
    collapse: Collapse | None


def run(config: HighDimensionConfig, path: Path) -> Result:
    """Choose the bandwidths, make every run that is not made yet, and write tables, figures, summary and claims."""
    config.executor.check_installed()
    refuse_another(config, path)
    path.mkdir(parents=True, exist_ok=True)
    with study("high-dimension", config, path, config.seeds[0], _parts(config), resumable=True) as s:
        particles = _particles(config, s)
        high = comparison.spans(config).get("high")
        result = Result(
            particles,
            lost_mode(config, high) if high else None,
            _self_terms(config, s) if config.self_dimensions else None,
            _network(config, s) if config.network.methods else None,
            _images(config, s) if config.images.methods else None,
            collapse.collapse(config, kept_runs.made(config, s, collapse.jobs(config)))
            if config.collapse.dimensions
            else None,
        )
        s.leave(result, _drawn(config, result, s.drawings))
    return result


def _parts(config: HighDimensionConfig) -> int:
    own, seeds = config.network, len(config.seeds)
    trained = len(own.methods) * len(own.starts) * (len(own.factors) + len(network.BUDGETS) * len(own.seeds))
    of_images = config.images
    trained += (
        len(of_images.methods)
        * len(of_images.spaces)
        * len(of_images.classes)
        * (len(of_images.factors) + len(of_images.seeds))
    )
    narrow = config.collapse
    trained += len(narrow.dimensions) * len(narrow.spreads) * len(collapse.FORMS) * len(narrow.seeds)
    return 2 + len(places(config)) * (seeds + 1) + len(config.self_dimensions) * seeds + trained


def _particles(config: HighDimensionConfig, s: Study) -> Particles:
    s.part("bandwidths at which a data point sees a tenth")
    units = {place: automatic(config, place, config.methods) for place in places(config)}

    def flow(place: Place, seed: int, tried: Mapping[str, list[float]]) -> Flow:
        return Flow(config, place, seed, tried, units[place])

    every, at = dict.fromkeys(config.methods, config.factors), config.tuning_seed
    found = kept_runs.made(config, s, {Case("choosing", place, at): flow(place, at, every) for place in places(config)})
    choices = comparison.chosen(config, found)
    found |= kept_runs.made(
        config,
        s,
        {
            Case("judging", place, seed): flow(place, seed, _tried(config, choices[place.name]))
            for place in places(config)
            for seed in config.seeds
        },
    )
    s.part("evaluating the particles")
    return comparison.comparison(config, choices, found)


def _tried(config: HighDimensionConfig, choices: Mapping[str, float]) -> dict[str, list[float]]:
    """The factors of each method on a seed that is for judging."""
    return {method: config.factors if method in config.whole else [choices[method]] for method in config.methods}


def _self_terms(config: HighDimensionConfig, s: Study) -> SelfTerms:
    units = {place: automatic(config, place, ["gaussian"])["gaussian"] for place in self_terms.places(config)}
    return self_terms.self_terms(config, kept_runs.made(config, s, self_terms.jobs(config, units)))


def _network(config: HighDimensionConfig, s: Study) -> Network:
    units = automatic(config, network.place(config), config.network.methods)
    trials = kept_runs.made(config, s, network.trials(config, units))
    choices = network.chosen(config, trials)
    return network.network(config, choices, trials | kept_runs.made(config, s, network.runs(config, choices, units)))


def _images(config: HighDimensionConfig, s: Study) -> Images:
    trials = kept_runs.made(config, s, images.trials(config))
    choices = images.chosen_factors(config, trials)
    return images.images(config, choices, trials | kept_runs.made(config, s, images.runs(config, choices)))


def _drawn(config: HighDimensionConfig, result: Result, folder: Path) -> Iterator[Drawing]:
    yield "against_dimension", partial(figures.against_dimension, config, result.particles, folder)
    if result.self_terms:
        yield "self_terms", partial(figures.self_terms, config, result.self_terms, folder)
    if result.network:
        yield "network", partial(figures.networks, config, result.network, folder)
    if result.images:
        yield "images", partial(figures.of_images, config, result.images, folder)
    if result.collapse:
        yield "collapse", partial(figures.collapse, config, result.collapse, folder)
