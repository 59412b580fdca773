"""Linear probe: logistic regression on the embeddings of clips.

Source: Radford et al., 2021, section 3.2: L-BFGS, at most 1,000 iterations, the strength of regularization chosen on
held-out samples. CLIP's C of 0.316 is for embeddings about ten long; those here have length 1.
"""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from vifi_cli.errors import InvalidInput
from vifi_cli.model.towers.class_head import LinearProbe
from vifi_cli.training.heads.samples import Choice, FittedHead, Floats, HeadSamples, best_setting
from vifi_cli.wording import counted

STRENGTHS = tuple(float(f"{10 ** (step / 2):.3g}") for step in range(-2, 9))
"""Values of C, the inverse of the regularization: 0.1, 0.316, 1 … 10,000."""
USUAL_STRENGTH = 31.6  # CLIP's, for embeddings of length 1
MOST_FOLDS = 5
MOST_ITERATIONS = 1000
NEVER = -1e4  # the logit of a class without a readable video

Fold = tuple[HeadSamples, HeadSamples]
"""Samples to fit on, and others to score."""


def fit_linear_probe(train: HeadSamples, val: HeadSamples | None) -> FittedHead:
    """Fits a linear probe; C is chosen on `val`, else by cross-validation over units, else it is CLIP's.

    Raises:
        InvalidInput: all clips are of one class.
    """
    if (train.shares > 0).any(0).sum() < 2:
        raise InvalidInput(
            "a linear probe needs readable training videos of two classes: `vifi data check` says more"
        )
    # waiting threads of BLAS spin: on two busy cores, 1,600 clips took 62 s of processor time instead of 8
    with threadpool_limits(1, "blas"):
        choice = _choose(train, val)
        probe = next(_probes(train, (choice.setting,)))
    return FittedHead(probe, {"C": f"{choice.setting:g}, {choice.reason}"})


def _choose(train: HeadSamples, val: HeadSamples | None) -> Choice[float]:
    if val is not None and train.has_classes_of(val).any():
        folds, on = [(train, val)], f"{counted(len(val), 'val video')}"
    else:
        folds = [(fit, held) for fit, held in _folds(train) if (fit.shares > 0).any(0).sum() > 1]
        folds = [(fit, held.chosen(fit.has_classes_of(held))) for fit, held in folds]
        folds = [(fit, held) for fit, held in folds if len(held)]
        on = f"{counted(len(set(train.units)), 'group')} by {len(folds)}-fold cross-validation"
    if not folds:
        return Choice(USUAL_STRENGTH, "as CLIP's, since no class has videos to hold out")
    probabilities: dict[float, list[Floats]] = {strength: [] for strength in STRENGTHS}
    for fit, held in folds:
        for strength, probe in zip(STRENGTHS, _probes(fit, STRENGTHS), strict=True):
            probabilities[strength].append(_predicted(probe, held))
    held_out = _joined([held for _, held in folds])
    return best_setting({c: np.concatenate(parts) for c, parts in probabilities.items()}, held_out, on)


def _folds(samples: HeadSamples) -> Iterator[Fold]:
    """Parts of the samples, each held out once; samples of one unit stay together."""
    labels = samples.shares.argmax(1)
    count = min(MOST_FOLDS, len(set(samples.units)), int(np.bincount(labels).max()))
    if count < 2:
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        parts = list(StratifiedGroupKFold(count).split(samples.embeddings, labels, samples.units))
    for fit, held in parts:
        yield samples.chosen(fit), samples.chosen(held)


def _joined(parts: Sequence[HeadSamples]) -> HeadSamples:
    return HeadSamples(
        np.concatenate([part.embeddings for part in parts]),
        np.concatenate([part.shares for part in parts]),
        tuple(unit for part in parts for unit in part.units),
    )


def _probes(samples: HeadSamples, strengths: Sequence[float]) -> Iterator[LinearProbe]:
    """The probe for each value of C. None begins with another, so that the chosen one is the same when fitted alone."""
    videos, labels = np.nonzero(samples.shares)  # a video of several classes counts for each, in its share
    for strength in strengths:
        regression = LogisticRegression(C=strength, max_iter=MOST_ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            regression.fit(
                samples.embeddings[videos].astype(np.float64), labels, samples.shares[videos, labels]
            )
        yield _as_probe(regression, samples.shares.shape[1])


def _as_probe(regression: LogisticRegression, classes: int) -> LinearProbe:
    weight, bias = regression.coef_, regression.intercept_
    if len(regression.classes_) == 2:  # the difference of the two logits
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    weights = np.zeros((classes, weight.shape[1]))
    biases: npt.NDArray[np.float64] = np.full(classes, NEVER)
    weights[regression.classes_], biases[regression.classes_] = weight, bias
    return LinearProbe(torch.from_numpy(weights), torch.from_numpy(biases))


def _predicted(probe: LinearProbe, samples: HeadSamples) -> Floats:
    rows = probe.rows(range(samples.shares.shape[1]))
    logits = probe(torch.from_numpy(samples.embeddings), rows, torch.tensor(1.0))
    probabilities: Floats = logits.softmax(-1).numpy()
    return probabilities
