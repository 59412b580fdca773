"""Embeddings in two dimensions: t-SNE, or principal components of many videos.

van der Maaten & Hinton, Visualizing Data using t-SNE, JMLR 2008, as scikit-learn computes it.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from vifi_cli.evaluation.embed_map.separation import missing_scikit_learn
from vifi_cli.evaluation.testing.embedding import Embeddings

Projection = Literal["t-SNE", "PCA"]
Points = npt.NDArray[np.float64]

MOST_FOR_TSNE = 5_000
FEWEST_FOR_TSNE = 5
PERPLEXITY = 30.0


def choose_projection(videos: int) -> Projection:
    """t-SNE for up to a few thousand videos, otherwise PCA."""
    return "t-SNE" if FEWEST_FOR_TSNE <= videos <= MOST_FOR_TSNE else "PCA"


def project(embeddings: Embeddings, projection: Projection, seed: int) -> Points:
    """Lays embeddings out in the plane; the same embeddings and seed give the same points.

    Args:
        embeddings: (N, D), at least two, of length 1, so that squared distances follow cosines.
        projection: t-SNE starts from the principal components; its perplexity is 30, or a third of the number of
            videos if that is less.
        seed: of t-SNE and of randomised PCA.

    Returns:
        float64 (N, 2), centred, and scaled so that the wider direction goes from -1 to 1.

    Raises:
        MissingDependency: scikit-learn is not installed.
    """
    try:
        from sklearn.decomposition import PCA
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise missing_scikit_learn() from error
    spread = embeddings.astype(np.float64)
    if projection == "PCA":
        points = PCA(2, random_state=seed).fit_transform(spread)
    else:
        perplexity = min(PERPLEXITY, (len(spread) - 1) / 3)
        points = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(spread)
    return _fitted(np.asarray(points, np.float64))


def _fitted(points: Points) -> Points:
    least, largest = points.min(0), points.max(0)
    reach = float((largest - least).max()) / 2
    fitted: Points = (points - (least + largest) / 2) / (reach or 1.0)
    return fitted
