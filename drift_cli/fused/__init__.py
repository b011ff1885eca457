"""The one hot loop behind one signature: `kernel_mean(kernel, x, y, …)`."""

from drift_cli.fused.eager import KernelMean, kernel_mean

__all__ = ["KernelMean", "kernel_mean"]
