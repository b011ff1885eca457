"""The settings of a training run, in blocks that the studies share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, get_args

from drift_cli.config.checked import Checked, MaybeSeeds, Resume, Samples, Seed, Steps, choice, least, obeys, within
from drift_cli.config.objects import Settings
from drift_cli.errors import UserError
from drift_cli.gradient_paths import GRADIENT_PATHS
from drift_cli.rules import fraction
from drift_cli.runs.collection import MEASURES
from drift_cli.setting import before
from drift_cli.trackers.guarded import TRACKERS

EXCHANGES = ("gather", "ring")
DEVICES = ("auto", "cpu", "cuda", "mps")
OBJECTIVES = (*MEASURES, "sw_sd", "drift_norm_sd", "drift_norm_floor", "training_seconds", "generator_parameters",
              "generator_multiply_adds", "sinkhorn_iterations", "marginal_error", "space_error",
              "space_error_held_out")  # the numbers of a summary  # fmt: skip
Device = Annotated[str, choice(DEVICES, {"gpu": "cuda", "nvidia": "cuda", "metal": "mps", "apple": "mps"})]


GUIDANCE_OFF = "guidance.alpha=1 guidance.up_to=null"


def known_device(name: str) -> None:
    """Raise `UserError` for an unknown device."""
    _, setting = get_args(Device)
    setting.check("device", name)


@dataclass(kw_only=True)
class EmaConfig(Checked):
    """Exponential moving average of the weights: θ̄ ← decay·θ̄ + (1 − decay)·θ; 0 switches it off."""

    prefix: ClassVar = "ema."
    decay: Annotated[float, obeys(fraction)]


@dataclass(kw_only=True)
class CurveConfig(Checked):
    """`every`: steps between points of the curves; the sizes of the sliced Wasserstein distances."""

    prefix: ClassVar = "evaluation."
    every: Annotated[int, least(1)]
    points: Annotated[int, within(1, 10**7)]
    projections: Annotated[int, within(1, 10**5)]
    draws: Annotated[int, within(1, 10**4)]


@dataclass(kw_only=True)
class EvaluationConfig(CurveConfig):
    """The curves, and what is measured at the end alone; `large_points`: of the distance whose floor is lower."""

    large_points: Annotated[int, within(0, 10**8)] = 0
    judge: bool | None = before(default=None)  # images; null: no


@dataclass(kw_only=True)
class ClassesConfig(Checked):
    """Of class-conditional training. A run whose settings do not name it continues with its original batches.

    `balanced`: as many generated samples, and as many data points, of each class at every step, whose drifts are found
    together; else the batch is drawn from all data, and each sample's class from the batch. `positives`: data points of
    each class at every step; null: as many as samples of each class, and no more than the smallest class has. `queue`:
    they come from a queue of this many of each class, of which `queue_new` are new at every step.
    """

    prefix: ClassVar = "classes."
    balanced: bool = before(default=False)
    positives: Annotated[int | None, least(1)] = None
    queue: Annotated[int | None, within(1, 10**7)] = None
    queue_new: Annotated[int | None, least(1)] = None

    def check_together(self) -> None:
        for name in ("positives", "queue"):
            if (count := getattr(self, name)) is not None and not self.balanced:
                raise UserError(
                    f"classes.{name}={count} sets the data points per class, which needs classes.balanced=true: set it "
                    f"too, or classes.{name}=null."
                )
        if self.queue is None:
            if self.queue_new is not None:
                raise UserError(f"classes.queue_new={self.queue_new} needs a queue: set classes.queue, or omit it.")
            return
        if self.positives is not None and self.positives > self.queue:
            raise UserError(
                f"classes.positives must be at most classes.queue, {self.queue}, got {self.positives}: raise the queue."
            )
        if self.queue % self.new_of_queue:
            raise UserError(
                f"classes.queue must be a multiple of classes.queue_new, {self.queue_new}, got {self.queue}: then each "
                "draw replaces the oldest one."
            )

    @property
    def new_of_queue(self) -> int:
        """How many of the queue are drawn anew at a step: 1 where it is not set."""
        return self.queue_new or 1


@dataclass(kw_only=True)
class GuidanceConfig(Checked):
    """Classifier-free guidance of class-conditional training: of strength `alpha`, 1 for none.

    `up_to`: the strength of each class is drawn at every step from `alpha` to this, with a density that falls as its
    `power`, and the generator is given it; null: it is `alpha`. `unconditional`: data points of all classes among each
    class' negatives at every step.
    """

    prefix: ClassVar = "guidance."
    alpha: Annotated[float, within(1, 1e6)] = 1.0
    up_to: Annotated[float | None, within(1, 1e6)] = None
    power: Annotated[float, within(0, 100)] = 3.0
    unconditional: Annotated[int, least(1)] = 64

    @property
    def on(self) -> bool:
        return self.alpha > 1 or self.up_to is not None

    @property
    def told(self) -> str:
        """What switches it on, as it is set."""
        return f"guidance.alpha={self.alpha:g}" if self.up_to is None else f"guidance.up_to={self.up_to:g}"

    @property
    def range(self) -> tuple[float, float] | None:
        """The strengths that the generator is given; None where it is given none."""
        return None if self.up_to is None else (self.alpha, self.up_to)

    def check_together(self) -> None:
        if self.up_to is not None and self.up_to <= self.alpha:
            raise UserError(
                f"guidance.up_to must be above guidance.alpha={self.alpha:g}, from which strengths are drawn, got "
                f"{self.up_to:g}: raise it, or set guidance.up_to=null for one strength."
            )


@dataclass(kw_only=True)
class CheckpointConfig(Checked):
    """A checkpoint every `every` steps (0: only at the end); the last `keep` are kept."""

    prefix: ClassVar = "checkpoint."
    every: Annotated[int, least(0)]
    keep: Annotated[int, least(1)]


@dataclass(kw_only=True)
class DistributedConfig(Checked):
    """One batch over several processes. `processes`: on this machine; null: as many as torchrun started, else one.

    `exchange`: how the points of all meet the queries of one. gather: each process collects them; ring: blocks of them
    pass from one to the next.
    """

    prefix: ClassVar = "distributed."
    processes: Annotated[int | None, within(1, 1024)] = None
    exchange: Annotated[str, choice(EXCHANGES)] = "gather"


@dataclass(kw_only=True)
class TrainConfig(Checked):
    several_processes: ClassVar = True  # torchrun may start it
    changeable: ClassVar[tuple[str, ...]] = (  # with resume=
        "steps", "device", "threads", "checkpoint.every", "checkpoint.keep", "dataset.path", "dataset.limit",
        "distributed.processes", "distributed.exchange", "objective", "tracker",
    )  # fmt: skip

    dataset: Settings
    kernel: Settings
    drift: Settings
    schedule: Settings
    generator: Settings
    optimizer: Settings
    ema: EmaConfig
    evaluation: EvaluationConfig
    checkpoint: CheckpointConfig
    classes: ClassesConfig = before(default_factory=ClassesConfig)
    guidance: GuidanceConfig = before(default_factory=GuidanceConfig)
    distributed: DistributedConfig = before(default_factory=DistributedConfig)
    batch_size: Samples
    steps: Steps
    seed: Seed
    device: Device
    dtype: Annotated[str, choice(("float32", "float64"))]
    space: Settings | None = before(default=None)  # and in the studies: identity
    threads: Annotated[int | None, within(1, 1024)] = None
    gradient_paths: Annotated[str, choice(GRADIENT_PATHS)]
    animate: bool
    objective: Annotated[str, choice(OBJECTIVES)] = before(default="sw")
    seeds: MaybeSeeds = before(default=None)
    tracker: Annotated[str, choice(TRACKERS)] = before(default="none")
    resume: Resume = None

    def check_together(self) -> None:
        if self.seeds and self.resume:
            raise UserError("seeds uses one folder per run, and resume continues a single run: omit one of them.")
        if isinstance(self.drift, Settings):
            self._check_drift()
        if getattr(self.generator, "name", None) == "particles":
            count = self.generator.count
            if self.batch_size > count:
                raise UserError(
                    f"batch_size must be at most generator.count, the number of particles, got {self.batch_size} "
                    f"above {count}: lower batch_size or raise generator.count."
                )

    def _check_drift(self) -> None:
        """What the operator says of itself decides what it can be trained with."""
        from drift_cli.abilities import abilities
        from drift_cli.training.bandwidth import provisional

        name, schedule, operator = self.drift.name, self.schedule.name, self.drift.made()
        can = abilities(operator)
        if self.gradient_paths != "none" and can.constant_norm:
            raise UserError(
                f"gradient_paths={self.gradient_paths} differentiates |V|^2, which drift.normalize=rms makes constant: "
                "choose drift.normalize=none, or gradient_paths=none."
            )
        if self.gradient_paths != "none" and not can.differentiable:
            raise UserError(
                f"gradient_paths={self.gradient_paths} differentiates the drift, and drift={name} has no derivative "
                "here: choose gradient_paths=none, or another drift."
            )
        if schedule != "constant" and not can.uses_kernel:
            raise UserError(
                f"schedule={schedule} anneals the kernel's bandwidth, which drift={name} does not use: choose "
                "schedule=constant, or another drift."
            )
        if self.guidance.on and not can.weighted:
            raise UserError(
                f"{self.guidance.told} weights the negatives, which drift={name} does not support: choose "
                f"drift=mean_shift, or {GUIDANCE_OFF}."
            )
        can.check_kernel(provisional(self.kernel).made())
