"""The drift in your own training loop: a network learns to map noise to a ring of eight Gaussians in one step."""

from __future__ import annotations

import torch

from drift_cli import Laplace, MeanShift, sliced_wasserstein


def ring(n: int, generator: torch.Generator) -> torch.Tensor:
    """n points of eight narrow modes on the unit circle."""
    angle = torch.randint(8, (n,), generator=generator) * torch.pi / 4
    return torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(n, 2, generator=generator)


def train(steps: int = 400, batch: int = 512, seed: int = 0) -> tuple[float, float]:
    """Sliced Wasserstein-2 distance to the target before and after training."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    network = torch.nn.Sequential(
        torch.nn.Linear(4, 128), torch.nn.ReLU(), torch.nn.Linear(128, 128), torch.nn.ReLU(), torch.nn.Linear(128, 2)
    )
    drift, kernel = MeanShift("exclude"), Laplace(bandwidth=0.2)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    directions = torch.nn.functional.normalize(torch.randn(100, 2, generator=generator), dim=1)

    def distance() -> float:
        with torch.no_grad():
            samples = network(torch.randn(2000, 4, generator=generator))
        return float(sliced_wasserstein(samples, ring(2000, generator), directions))

    before = distance()
    for _ in range(steps):
        x, data = network(torch.randn(batch, 4, generator=generator)), ring(batch, generator)
        with torch.no_grad():  # the stop-gradient: the network is regressed on its drifted samples
            target = x + drift(kernel, x, data, x, paired=True)
        loss = (x - target).square().sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return before, distance()


if __name__ == "__main__":
    print("SW-2 before {:.3f}, after {:.3f}".format(*train()))
