"""How the windows of an index are spread around their mean. Arithmetic only."""

from dataclasses import dataclass

import numpy as np

from vifi_cli.index.arrays import Float32Array, Float64Array


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """The mean of the windows of an index, and the principal axes of their covariance."""

    mean: Float64Array  # (D,)
    axes: Float64Array  # (D, D), an axis per column
    variances: Float64Array  # (D,), along each axis

    def coordinates(self, embeddings: Float32Array) -> Float64Array:
        """Where embeddings (N, D) are on the axes, from the mean: (N, D)."""
        coordinates: Float64Array = (embeddings - self.mean) @ self.axes
        return coordinates


def background_of(windows: Float32Array) -> Background:
    """The background of windows (N, D), N >= 1."""
    mean = windows.mean(axis=0, dtype=np.float64)
    centered = windows - mean
    variances, axes = np.linalg.eigh(centered.T @ centered / len(windows))
    return Background(mean, axes, np.maximum(variances, 0.0))
