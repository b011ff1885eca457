"""What is run: every operator from every start with every seed, and what comes before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from drift_cli.studies import kept_runs
from drift_cli.studies.compare_operators import runs as operator_runs
from drift_cli.studies.compare_operators.fields import Field
from drift_cli.studies.compare_operators.runs import OperatorRun
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig, OperatorConfig
from drift_cli.studies.compare_operators.template import Template

Runs = dict[OperatorRun, dict[str, Any]]


def preparations(config: CompareOperatorsConfig) -> dict[OperatorRun, kept_runs.Job]:
    """Fields and templates of the operators, generators on their starts, and trials of the step sizes."""
    return {**_fields(config), **_templates(config), **_starts(config), **_trials(config)}


def cases(config: CompareOperatorsConfig) -> list[OperatorRun]:
    return [
        OperatorRun(form, label, start, seed)
        for form in config.forms
        for label in config.compared()
        for start in config.starts
        for seed in config.seeds
    ]


def jobs(config: CompareOperatorsConfig, etas: Mapping[str, float], folder: Path) -> dict[OperatorRun, kept_runs.Job]:
    """The runs that are compared, particles at the step sizes `etas`, generators from their starts in `folder`."""
    compared = config.compared()
    return {case: _job(config, compared[case.operator], case, etas, folder) for case in cases(config)}


def _job(
    config: CompareOperatorsConfig, operator: OperatorConfig, case: OperatorRun, etas: Mapping[str, float], folder: Path
) -> kept_runs.Job:
    if case.form == "particles":
        return operator_runs.particle_run(config, operator, case.start, case.seed, etas[case.operator])
    weights = None if case.start == "own" else folder / f"{start_of(case.start, case.seed).name}.json"
    return operator_runs.generator_run(config, operator, case.seed, weights)


def _fields(config: CompareOperatorsConfig) -> dict[OperatorRun, kept_runs.Job]:
    return {
        field_of(label, seed): Field(operator, config.dataset, config.particles, config.probes, seed)
        for label, operator in config.compared().items()
        for seed in config.seeds
    }


def field_of(label: str, seed: int) -> OperatorRun:
    return OperatorRun("field", label, "standard", seed)


def _templates(config: CompareOperatorsConfig) -> dict[OperatorRun, kept_runs.Job]:
    """What is said of an operator's particles."""
    if "particles" not in config.forms:
        return {}
    return {
        template_of(label, seed): Template(operator, config.dataset, seed)
        for label, operator in config.compared().items()
        for seed in config.seeds
    }


def template_of(label: str, seed: int) -> OperatorRun:
    return OperatorRun("template", label, "standard", seed)


def _starts(config: CompareOperatorsConfig) -> dict[OperatorRun, kept_runs.Job]:
    """The generators that are on their starts, the same for every operator."""
    return {
        start_of(start, seed): operator_runs.start_run(config, start, seed)
        for start in config.starts
        for seed in config.seeds
        if "generator" in config.forms and start != "own"
    }


def start_of(start: str, seed: int) -> OperatorRun:
    return OperatorRun("start", "any", start, seed)


def _trials(config: CompareOperatorsConfig) -> dict[OperatorRun, kept_runs.Job]:
    """Every operator at every step size."""
    if "particles" not in config.forms:
        return {}
    return {
        OperatorRun("eta", label, "all", config.eta_seed, eta): operator_runs.Tried(
            {
                start: replace(operator_runs.particle_run(config, operator, start, config.eta_seed, eta), track=1)
                for start in config.starts
            }
        )
        for label, operator in config.compared().items()
        for eta in config.etas
    }
