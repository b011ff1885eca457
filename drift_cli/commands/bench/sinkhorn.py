"""Sinkhorn compared with its peers, each at the cheapest setting that is as exact as ours.

`plan` is one entropic plan at the same L1 marginal error: POT's `sinkhorn_log` on numpy's float64 and on torch's
float32. `drift` is the whole debiased drift at the same error against a float64 reference: geomloss, dense and online
(KeOps), whose accuracy is set by its annealing (`scaling`). `step` is the whole training step, compared with that of
the kernel drift. Points: a standard normal cloud against the data set.
"""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from drift_cli.commands.bench import measure, memory
from drift_cli.commands.bench.settings import BenchConfig
from drift_cli.commands.bench.timing import Timing
from drift_cli.config.objects import Settings, chosen
from drift_cli.drift import Sinkhorn
from drift_cli.kernels import Gaussian
from drift_cli.training import step as training
from drift_cli.training.setup import Setup, assemble
from drift_cli.transport import Coupling, couple

_PLAN_ERROR = 1e-4  # L1 marginal error of the plans that are compared
_TOLERANCES = (1e-1, 1e-2, 1e-4)  # of our drifts; geomloss is held to the error that each of them has
_GEOMLOSS = (("geomloss", "tensorized", "torch"), ("geomloss, online", "online", "pykeops"))  # and what each needs
_SCALINGS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
_CAP = 5000  # iterations
_CONVERGED = 1e-9  # marginal error of the float64 reference


@dataclass(frozen=True)
class Row:
    """One contestant. A setting that never got as exact as ours, or took too long, has `reached` false.

    The search for its setting has called it before, so its start-up time is not that of a cold call, and is not
    reported.
    """

    what: str
    who: str
    n: int
    d: int
    timing: Timing
    peak_mb: float
    setting: str
    marginal_error: float | None
    drift_error: float | None
    reached: bool

    def told(self) -> dict[str, Any]:
        """As setup.json has it."""
        row = {name: value for name, value in vars(self).items() if name != "timing"} | self.timing.told()
        del row["start_up_ms"]
        return row


def rows(config: BenchConfig, n: int, device: torch.device) -> Iterator[list[Row]]:
    """A list for each table: the plan, the drift at each tolerance, the training step."""
    setup = assemble(replace(config, drift=_settings(config, 1e-2)))
    data = setup.data(n, "data", 0).points.float()
    x = torch.randn(data.shape, generator=setup.stream("noise", 0), device=device)
    array_gb = 4 * n * len(data) / 1e9
    yield _plan(config, x, data, array_gb)
    reference = _converged(config, x, data)
    peers = {
        who: _Geomloss(config, backend, x, data, reference)
        for who, backend, package in _GEOMLOSS
        if all(importlib.util.find_spec(name) for name in ("geomloss", package))
        and (backend == "online" or 2 * array_gb <= config.largest_array_gb)
    }
    for tol in _TOLERANCES:
        yield _drift(config, x, data, reference, tol, peers)
    if n == config.batch_size:
        yield _step(config)


def _plan(config: BenchConfig, x: Tensor, data: Tensor, array_gb: float) -> list[Row]:
    def ours() -> Coupling:
        return couple(x, data, config.epsilon, tol=_PLAN_ERROR, max_iter=_CAP)

    def plain() -> Coupling:
        nothing = torch.zeros_like(data[:, 0])
        return couple(x, data, config.epsilon, tol=_PLAN_ERROR, max_iter=_CAP, accelerate=False, start=nothing)

    functions: dict[str, Callable[[], object]] = {"ours": ours, "ours, plain": plain}
    plans = {"ours": ours(), "ours, plain": plain()}
    told: dict[str, tuple[int, float]] = {who: (p.iterations, p.marginal_error) for who, p in plans.items()}
    if importlib.util.find_spec("ot") is not None and 2 * array_gb <= config.largest_array_gb:
        for who, dtype, numpy in (("pot, float64", torch.float64, True), ("pot, torch float32", torch.float32, False)):
            cost = torch.cdist(x, data).square().div_(2).to(dtype)
            found = _pot(config, cost.cpu().numpy() if numpy else cost, plans["ours, plain"].iterations)
            if found is not None:
                functions[who], told[who] = found[0], found[1:]
    race = measure.race(functions, config.seconds)
    return [
        Row(
            "sinkhorn plan", who, len(x), x.shape[1], race.timing(who), memory.peak(functions[who]).mb,
            f"{told[who][0]} iterations", told[who][1], None, told[who][1] <= _PLAN_ERROR,
        )
        for who in functions
    ]  # fmt: skip


def _pot(config: BenchConfig, cost: object, guess: int) -> tuple[Callable[[], object], int, float] | None:
    """POT with the fewest iterations that reach the error: about those of our plain iteration, the same one."""
    import ot

    def run(iterations: int) -> object:
        return ot.sinkhorn(
            [], [], cost, config.epsilon, method="sinkhorn_log", stopThr=0, numItermax=iterations, warn=False
        )

    run(1)  # cold
    began = time.perf_counter()
    run(1)
    if (time.perf_counter() - began) * guess > config.longest * 3:
        return None
    for iterations in range(max(1, guess - 1), guess + 20):
        plan = torch.as_tensor(run(iterations)).double()
        error = float((plan.sum(dim=0) - 1 / plan.shape[1]).abs().sum() + (plan.sum(dim=1) - 1 / len(plan)).abs().sum())
        if error <= _PLAN_ERROR:
            return partial(run, iterations), iterations, error
    return None


def _drift(
    config: BenchConfig, x: Tensor, data: Tensor, reference: Tensor, tol: float, peers: dict[str, _Geomloss]
) -> list[Row]:
    operator = Sinkhorn(config.epsilon, tol, _CAP)
    unused = Gaussian(1.0)

    def ours() -> Tensor:
        return operator(unused, x, data, x, paired=True)

    error = _error(ours(), reference)
    told = operator.tally.report()
    setting = f"tol {tol:g}: {told['sinkhorn_iterations']:.0f} + {told['sinkhorn_self_iterations']:.0f} iterations"
    functions: dict[str, Callable[[], Tensor]] = {"ours": ours}
    settings, errors = {"ours": setting}, {"ours": error}
    for who, peer in peers.items():
        functions[who], settings[who], errors[who] = peer.reaching(error)
    race = measure.race(functions, config.seconds)
    return [
        Row(
            "sinkhorn drift", who, len(x), x.shape[1], race.timing(who), memory.peak(function).mb, settings[who],
            told["marginal_error"] if who == "ours" else None, errors[who], errors[who] <= error,
        )
        for who, function in functions.items()
    ]  # fmt: skip


class _Geomloss:
    """geomloss with one backend, at the coarsest annealing that is exact enough, or the finest that is not too long."""

    def __init__(self, config: BenchConfig, backend: str, x: Tensor, data: Tensor, reference: Tensor) -> None:
        self.config, self.backend, self.x, self.data, self.reference = config, backend, x, data, reference
        self.errors: dict[float, float] = {}  # by scaling, coarsest first
        self.at(_SCALINGS[0])()  # compiles

    def at(self, scaling: float) -> Callable[[], Tensor]:
        """The drift, as the gradient of the loss."""
        from geomloss import SamplesLoss

        blur = math.sqrt(self.config.epsilon)
        loss = SamplesLoss("sinkhorn", p=2, blur=blur, scaling=scaling, backend=self.backend)

        def drift() -> Tensor:
            queries = self.x.clone().requires_grad_(True)
            (gradient,) = torch.autograd.grad(loss(queries, self.data), queries)
            return -len(queries) * gradient

        return drift

    def reaching(self, wanted: float) -> tuple[Callable[[], Tensor], str, float]:
        """The drift, its setting and its error."""
        took = 0.0
        for scaling in _SCALINGS[len(self.errors) :]:
            if took > self.config.longest or any(error <= wanted for error in self.errors.values()):
                break
            began = time.perf_counter()
            self.errors[scaling] = _error(self.at(scaling)(), self.reference)
            took = time.perf_counter() - began
        enough = [scaling for scaling, error in self.errors.items() if error <= wanted]
        scaling = enough[0] if enough else max(self.errors)
        return self.at(scaling), f"scaling {scaling:g}", self.errors[scaling]


def _step(config: BenchConfig) -> list[Row]:
    """The whole training step with either drift, from the same start, and how exact the drift of the last batch was."""
    settings = {"ours": replace(config, drift=_settings(config, 1e-2)), "kernel drift": config}
    built = {who: assemble(each) for who, each in settings.items()}
    functions = {who: _advancing(setup) for who, setup in built.items()}
    race = measure.race(functions, config.seconds)
    setup, count = built["ours"], config.batch_size
    assert isinstance(setup.drift, Sinkhorn)
    told = setup.drift.tally.report()
    with torch.no_grad():
        x = setup.model.sample(count, setup.stream("noise", config.steps))
    data = setup.data(count, "data", config.steps).points
    error = _error(setup.drift(setup.kernel, x, data, x, paired=True), _converged(config, x, data))
    iterations = f"{told['sinkhorn_iterations']:.1f} + {told['sinkhorn_self_iterations']:.1f} iterations"
    notes = {
        "kernel drift": (config.drift.name, None, None),
        "ours": (f"tol 0.01: {iterations}", told["marginal_error"], error),
    }
    n, d = data.shape
    return [
        Row("sinkhorn step", who, n, d, race.timing(who), memory.peak(functions[who]).mb, *notes[who], True)
        for who in ("ours", "kernel drift")
    ]


def _advancing(setup: Setup) -> Callable[[], object]:
    advance, done = training.build(setup), 0

    def step() -> None:
        nonlocal done
        advance(done % setup.config.steps)
        done += 1

    return step


def _settings(config: BenchConfig, tol: float) -> Settings:
    return chosen(
        "drift", "sinkhorn", self_term="include", epsilon=config.epsilon, tol=tol, max_iter=50, independent_self=False,
        carry=False,
    )  # fmt: skip


def _converged(config: BenchConfig, x: Tensor, data: Tensor) -> Tensor:
    """The drift in float64, its marginal error below 1e-9."""
    exact, x = Sinkhorn(config.epsilon, _CONVERGED, _CAP), x.double()
    return exact(Gaussian(1.0), x, data.double(), x, paired=True)


def _error(found: Tensor, reference: Tensor) -> float:
    return float((found.double() - reference).norm() / reference.norm())
