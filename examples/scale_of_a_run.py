"""What a run of the size of Deng et al.'s on ImageNet would take on 8 to 64 GPUs, from its settings and assumed speeds.

    python examples/scale_of_a_run.py

Nothing here was measured on a GPU: `Machine` holds the assumptions. Measured on the CPU (docs/scale.md): a pair of
points in d dimensions costs 2d multiply-adds, at the same rate as a network's.
"""

from __future__ import annotations

from dataclasses import dataclass

GIGA, TERA = 1e9, 1e12


@dataclass(frozen=True)
class Run:
    """DiT-L/2 on latents with features of a ResNet, by Deng et al.'s Table 8 and A.3, A.5. Counts are multiply-adds."""

    steps: int = 200_000
    classes: int = 128  # of a step
    generated: int = 64  # of each class
    positives: int = 64
    unconditional: int = 32
    temperatures: int = 3
    depth: int = 24
    width: int = 1024
    tokens: int = 256 + 16
    parameters: float = 463e6
    base: int = 640  # channels of the encoder's first stage, doubled at each next one
    sides: tuple[int, ...] = (32, 16, 8, 4)
    blocks: tuple[int, ...] = (3, 4, 6, 3)  # of two 3 × 3 convolutions

    @property
    def samples(self) -> int:
        return self.classes * self.generated

    @property
    def generator(self) -> float:
        """Of one sample, forward: 12 w² per token and block (four of attention, eight of the MLP), and the scores."""
        return self.depth * self.tokens * (12 * self.width**2 + 2 * self.tokens * self.width)

    @property
    def encoder(self) -> float:
        """Of one sample, forward; a stage's first convolution has half of its channels as inputs."""
        total = 0.0
        for stage, (side, count) in enumerate(zip(self.sides, self.blocks, strict=True)):
            convolution = 9 * (self.base * 2**stage) ** 2 * side**2
            total += (2 * count - (0.5 if stage else 0)) * convolution
        return total

    @property
    def numbers(self) -> float:
        """Feature numbers of one sample, for the maps after every second block and the last: each place, mean and
        deviation over the map, and mean and deviation over patches of 2 × 2 and 4 × 4."""
        total = 0.0
        for stage, (side, count) in enumerate(zip(self.sides, self.blocks, strict=True)):
            vectors = side**2 + 2 + 2 * side**2 // 4 + 2 * side**2 // 16
            total += (count + 1) // 2 * vectors * self.base * 2**stage
        return total

    @property
    def networks(self) -> float:
        """Of a step: generator forward and backward; encoder forward and backward for samples, forward for data."""
        others = self.positives / self.generated + self.unconditional / self.generated
        return self.samples * (3 * self.generator + (2 + others) * self.encoder)

    @property
    def drift(self) -> float:
        """Of a step: the distances once, the weighted points for each temperature."""
        pairs = self.samples * (self.positives + self.generated + self.unconditional)
        return pairs * self.numbers * (1 + self.temperatures)

    @property
    def points(self) -> float:
        """Points of a step for each generated one, itself included."""
        return 1 + (self.positives + self.unconditional) / self.generated


@dataclass(frozen=True)
class Machine:
    """A GPU like the H100: its speed in use, not its peak; everything is assumed."""

    networks: float = 0.40 * 495 * TERA  # multiply-adds a second in bfloat16: 40 % of the peak
    pairs: float = 0.40 * 33 * TERA  # in float32 without tensor cores: 40 % of the peak
    memory: float = 2.5e12  # bytes a second
    near: float = 300 * GIGA  # bytes a second to another GPU of the same machine of 8
    far: float = 40 * GIGA  # to another machine
    free: float = 40 * GIGA  # bytes of memory besides weights, optimiser and activations

    def link(self, gpus: int) -> float:
        return self.near if gpus <= 8 else self.far


def seconds(run: Run, machine: Machine, gpus: int) -> dict[str, float]:
    """Per step, by component; classes are divided among the GPUs, so only gradients (float32) are exchanged."""
    feature_bytes = 4 * run.numbers * run.samples * run.points
    passes = 2 * (1 + run.temperatures)  # each set is read and written once for the distances and each temperature
    return {
        "networks": run.networks / gpus / machine.networks,
        "drift": max(run.drift / machine.pairs, passes * feature_bytes / machine.memory) / gpus,
        "gradients": 2 * (gpus - 1) / gpus * 4 * run.parameters / machine.link(gpus),
    }


def whole_run(run: Run, machine: Machine) -> None:
    """One line for each number of GPUs."""
    print(
        "| GPUs | networks, s per step | drift | gradients | drift's share | steps per second | run, days | GPU hours |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for gpus in (8, 16, 32, 64):
        parts = seconds(run, machine, gpus)
        total = sum(parts.values())
        days = total * run.steps / 86400
        print(f"| {gpus} | {parts['networks']:.3f} | {parts['drift']:.3f} | {parts['gradients']:.3f} | "
              f"{parts['drift'] / total:.0%} | {1 / total:.2f} | {days:.1f} | {24 * days * gpus:,.0f} |")  # fmt: skip


def exchanges(run: Run, machine: Machine) -> None:
    """What one batch of the same size without classes would transfer and hold, on each of 64 GPUs."""
    gpus, step = 64, sum(seconds(run, machine, 64).values())
    print(
        "| points | numbers | gather: held, GB | ring: held, GB | received per step, GB | seconds per step | "
        "relative to the step |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, numbers in (("codes of 32", 32.0), ("latents, 32 × 32 × 4", 4096.0), ("features", run.numbers)):
        samples = 4 * numbers * run.samples
        received = (gpus - 1) / gpus * 2 * samples  # samples and data
        print(f"| {name} | {numbers:,.0f} | {2 * samples / GIGA:.3g} | {2 * 3 * samples / gpus / GIGA:.3g} | "
              f"{received / GIGA:.3g} | {received / machine.far:.3g} | "
              f"{received / machine.far / step:.2g} × |")  # fmt: skip


def ring(machine: Machine) -> None:
    """A block of b rows has 4bd bytes, and b queries need 2b²d multiply-adds with it: d cancels."""
    for name, link in (("within a machine", machine.near), ("between machines", machine.far)):
        print(
            f"- {name}: from {4 * machine.pairs / (2 * link):,.0f} rows per GPU, communication hides behind computation"
        )
    for name, numbers in (("codes of 32", 32.0), ("latents", 4096.0), ("features", Run().numbers)):
        most = machine.free / (2 * 4 * numbers)
        print(f"- {name}: {most:,.0f} samples and as many data points fill {machine.free / GIGA:.0f} GB")


def main() -> None:
    run, machine = Run(), Machine()
    print(
        f"- generator: {run.generator / GIGA:.0f}·10⁹ multiply-adds per sample, encoder: {run.encoder / GIGA:.0f}·10⁹"
    )
    print(f"- features: {run.numbers / 1e6:.2f}·10⁶ numbers per sample, {4 * run.numbers / 1e6:.0f} MB")
    print(f"- the drift takes {run.drift / (run.networks + run.drift):.2%} of a step's "
          f"{(run.networks + run.drift) / 1e15:.2f}·10¹⁵ multiply-adds")  # fmt: skip
    for section in (lambda: whole_run(run, machine), lambda: exchanges(run, machine), lambda: ring(machine)):
        print()
        section()


if __name__ == "__main__":
    main()
