"""The one hot loop behind one signature: `kernel_mean(kernel, x, y, …)`."""

from drift_cli.fused.mean import KernelMean, kernel_mean, kernel_means, log_masses

__all__ = ["KernelMean", "kernel_mean", "kernel_means", "log_masses"]
