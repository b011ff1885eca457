"""Settings of `drift train`: those of a training run."""

from drift_cli.training.settings import TrainConfig

__all__ = ["TrainConfig"]
