"""Figures of merit of predictions."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def top_k_hits(
    probabilities: npt.NDArray[np.float32], labels: Sequence[int] | npt.NDArray[np.int64], k: int
) -> npt.NDArray[np.bool_]:
    """Whether each video's class is among its k most probable ones; all of them where there are fewer classes.

    Args:
        probabilities: (N, C). Of classes that are equally probable, those with lower numbers come first.
        labels: N class numbers.
        k: at least 1.

    Returns:
        bool (N,).
    """
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    hits: npt.NDArray[np.bool_] = (ranked == np.asarray(labels)[:, None]).any(axis=1)
    return hits
