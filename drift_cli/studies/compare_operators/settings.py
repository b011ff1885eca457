"""Settings of `drift compare-operators`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from omegaconf import OmegaConf

from drift_cli.catalogue import check_name
from drift_cli.config.checked import Checked, Different, Jobs, Resume, Seed, Seeds, Steps, least, within
from drift_cli.config.objects import Settings, defaults, standing_at
from drift_cli.errors import UserError, did_you_mean
from drift_cli.rules import different, not_empty, one_of, positive
from drift_cli.runs.executor import ExecutorConfig
from drift_cli.studies.settings import apart, some_of

STARTS = ("standard", "far", "collapsed", "missing_mode", "imbalanced", "own")
OF_MODES = ("missing_mode", "imbalanced")
FORMS = ("particles", "generator")
OF_AN_OPERATOR = ("drift", "kernel", "bandwidth", "options")
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # a file's name, and a key on the command line
_UNUSED = {"kernel": "laplace", "bandwidth": 1.0}  # the kernel that is handed to a drift that uses none


@dataclass
class OperatorConfig:
    """One of those that are compared."""

    drift: Settings
    kernel: Settings


@dataclass(kw_only=True)
class CompareOperatorsConfig(Checked):
    changeable: ClassVar = ("jobs", "executor")  # with resume=

    operators: Any  # label: {drift, kernel, bandwidth, options}; `compared` has them typed
    only: list[str] | None = None
    dataset: Settings
    starts: Annotated[list[str], some_of(STARTS)]
    forms: Annotated[list[str], some_of(FORMS)]
    seeds: Seeds
    particles: Annotated[int, within(8, 65_536)]
    particle_steps: Steps
    etas: Annotated[list[float], Different("", (positive,))]
    eta_seed: Seed
    generator: Settings
    optimizer: Settings
    batch_size: Annotated[int, within(8, 65_536)]
    steps: Steps
    start_steps: Steps
    points: Annotated[int, within(10, 10**6)]
    projections: Annotated[int, least(1)]
    draws: Annotated[int, least(1)]
    track: Annotated[int, least(1)]
    probes: Annotated[int, least(1)]
    rounds: Annotated[int, least(1)]
    jobs: Jobs = None
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    resume: Resume = None

    def check_together(self) -> None:
        self._check_operators()
        self._check_starts()
        apart("eta_seed", self.eta_seed, {"seeds": self.seeds})
        if self.generator.name != "mlp":
            raise UserError(
                f"generator must be mlp, got {self.generator.name}: particles are compared with forms=[particles]."
            )

    @staticmethod
    def nested_settings(files: Sequence[Path]) -> dict[str, list[str]]:
        """The labels that the configuration files name, the settings of each, and the options of its drift."""
        operators: dict[str, Any] = {}
        for file in files:
            operators |= OmegaConf.select(OmegaConf.load(file), "operators", default={})
        known = {"operators": list(operators)}
        for label, operator in operators.items():
            known[f"operators.{label}"] = list(OF_AN_OPERATOR)
            own = defaults("drift", operator["drift"])
            known[f"operators.{label}.options"] = [name for name in own if name != "name"]
        return known

    def compared(self) -> dict[str, OperatorConfig]:
        """The operators by label, typed and checked: `options` over conf/drift, the bandwidth over conf/kernel."""
        labels = self.operators if self.only is None else self.only
        return {label: _operator(label, self.operators[label]) for label in labels}

    def _check_operators(self) -> None:
        if not isinstance(self.operators, dict) or not self.operators:
            raise UserError(
                "operators must name at least one, as operators.<label>={drift: …, kernel: …, bandwidth: …}."
            )
        self.operators = {str(label): settings for label, settings in self.operators.items()}
        for label in self.operators:
            if not _LABEL.fullmatch(label):
                raise UserError(
                    'A label of operators must be a letter followed by letters, digits, "_" or "-", so that its '
                    f'settings can be given as operators.<label>.…, got "{label}": rename it.'
                )
        if self.only is not None:
            not_empty("only", self.only)
            different("only", self.only)
            for label in self.only:
                one_of("each of only", label, self.operators)
        self.compared()

    def _check_starts(self) -> None:
        if "own" in self.starts and self.forms != ["generator"]:
            raise UserError(
                "starts=[own] is the generator as it is initialised, and has no particles: add forms=[generator]."
            )
        modes = [start for start in self.starts if start in OF_MODES]
        if modes and self.dataset.name != "gaussian_mixture":
            raise UserError(
                f"starts={modes[0]} needs a target with modes, and dataset={self.dataset.name} has none: leave it out "
                "of starts, or choose dataset=unequal_modes."
            )
        if modes and getattr(self.dataset, "modes", 0) < 2:
            raise UserError(f"starts={modes[0]} needs at least two modes, got dataset.modes=1: give more.")


def _operator(label: str, settings: Any) -> OperatorConfig:
    """One entry of `operators`, with the defaults of its drift and its kernel."""
    where = f"operators.{label}"
    if not isinstance(settings, dict):
        raise UserError(
            f"{where} must be settings such as {{drift: sharp, kernel: laplace, bandwidth: 0.1}}, got {settings}."
        )
    for key in settings:
        if key not in OF_AN_OPERATOR:
            near, listed = did_you_mean(str(key), OF_AN_OPERATOR), ", ".join(OF_AN_OPERATOR)
            raise UserError(f'There is no setting "{where}.{key}".{near} Available: {listed}.')
    options = settings.get("options") or {}
    if not isinstance(options, dict):
        raise UserError(f"{where}.options must be settings of the drift such as {{epsilon: 0.05}}, got {options}.")
    if "name" in options:
        raise UserError(f"{where}.options cannot contain a name: the drift is chosen with {where}.drift.")
    check_name(f"{where}.drift", "drift", str(settings.get("drift")))
    given = {key: settings[key] for key in ("kernel", "bandwidth") if settings.get(key) is not None}
    used: dict[str, Any] = _UNUSED | given
    check_name(f"{where}.kernel", "kernel", str(used["kernel"]))
    drift = standing_at(f"{where}.options", "drift", {"name": settings["drift"], **options})
    kernel = standing_at(where, "kernel", {"name": used["kernel"], "bandwidth": used["bandwidth"]})
    found = OperatorConfig(drift, kernel)
    _check_kernel(where, found, given)
    return found


def _shown(given: dict[str, Any]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in given.items()) or "neither"


def _check_kernel(where: str, found: OperatorConfig, given: dict[str, Any]) -> None:
    from drift_cli.abilities import abilities
    from drift_cli.training.bandwidth import provisional

    drift, can = found.drift.name, abilities(found.drift.made())
    if can.uses_kernel and len(given) < 2:
        raise UserError(
            f"{where} needs a kernel and a bandwidth, which drift={drift} uses, got {_shown(given)}: add kernel: "
            "laplace, "
            "bandwidth: 0.1."
        )
    if not can.uses_kernel and given:
        raise UserError(
            f"{where} must have neither kernel nor bandwidth, which drift={drift} does not use, got {_shown(given)}: "
            "leave "
            "them out."
        )
    try:
        can.check_kernel(provisional(found.kernel).made())
    except UserError as error:
        raise UserError(f"{where}.kernel: {error}") from error
