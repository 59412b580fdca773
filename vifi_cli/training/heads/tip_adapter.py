"""Tip-Adapter: the training clips as a cache whose classes are added to the logits of the class texts.

Source: Zhang et al., Tip-Adapter, ECCV 2022, and its `main.py` and `utils.py`, without training (Tip-Adapter-F). They
search alpha and beta on val, on a grid that is tuned to each dataset: up to 7 and 3 for ImageNet, up to 30 for FGVC.
The grid here is geometric and wide, since other models have other temperatures. Keys are the clips of the test view;
the published ones are averages over ten random crops of a picture.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vifi_cli.model.towers.class_head import TipAdapter
from vifi_cli.training.heads.samples import Choice, FittedHead, Floats, HeadSamples, best_setting
from vifi_cli.wording import counted

ALPHAS = (0.0, *(2.0**power for power in range(-2, 13)))
BETAS = tuple(2.0**power for power in range(8))
USUAL = (1.17, 1.0)  # alpha and beta of `configs/imagenet.yaml`
MOST_QUERIES = 2000  # clips that alpha and beta are chosen on; the grid would take minutes with more
QUERIES_AT_ONCE = 256

AlphaBeta = tuple[float, float]


def fit_tip_adapter(train: HeadSamples, val: HeadSamples | None, texts: Tensor, scale: Tensor) -> FittedHead:
    """Makes the cache; alpha and beta are chosen on `val`, else on training clips whose own group is left out.

    `texts` are the class embeddings (C, D), of length 1, and `scale` is the factor on cosines.
    """
    choice = _choose(train, val, texts.cpu(), float(scale))
    alpha, beta = choice.setting
    keys, values = torch.from_numpy(train.embeddings), torch.from_numpy(train.shares)
    head = TipAdapter(keys, values, torch.tensor(alpha), torch.tensor(beta))
    return FittedHead(head, {"alpha": f"{alpha:g}", "beta": f"{beta:g}, {choice.reason}"})


def _choose(train: HeadSamples, val: HeadSamples | None, texts: Tensor, scale: float) -> Choice[AlphaBeta]:
    if val is not None and len(val):
        queries, on = _evenly(val), f"{counted(len(val), 'val video')}"
        seen = np.ones((len(queries), len(train)), np.bool_)
    else:
        answerable = train.chosen(_has_others(train))
        queries, on = (
            _evenly(answerable),
            f"{counted(len(answerable), 'training video')}, each without its group",
        )
        seen = np.array(queries.units)[:, None] != np.array(train.units)
    if not len(queries):
        return Choice(USUAL, "as published, since no class has videos to hold out")
    return best_setting(_on_grid(train, queries, seen, texts, scale), queries, on)


def _evenly(samples: HeadSamples) -> HeadSamples:
    """At most MOST_QUERIES of the samples, evenly spread."""
    if len(samples) <= MOST_QUERIES:
        return samples
    return samples.chosen(np.linspace(0, len(samples) - 1, MOST_QUERIES).astype(np.int64))


def _has_others(samples: HeadSamples) -> npt.NDArray[np.bool_]:
    """Whether another unit shows the first class of each sample: (N,)."""
    labels = samples.shares.argmax(1).tolist()
    units: dict[int, set[str]] = {}
    for label, unit in zip(labels, samples.units, strict=True):
        units.setdefault(label, set()).add(unit)
    return np.array([len(units[label]) > 1 for label in labels], np.bool_)


def _on_grid(
    train: HeadSamples, queries: HeadSamples, seen: npt.NDArray[np.bool_], texts: Tensor, scale: float
) -> dict[AlphaBeta, Floats]:
    """The probabilities (Q, C) of the queries for each alpha and beta, by the keys that each sees."""
    keys, values = torch.from_numpy(train.embeddings), torch.from_numpy(train.shares)
    parts: dict[AlphaBeta, list[Floats]] = {(alpha, beta): [] for alpha in ALPHAS for beta in BETAS}
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        some = slice(start, start + QUERIES_AT_ONCE)
        videos = torch.from_numpy(queries.embeddings[some])
        distance, of_texts = 1 - videos @ keys.T, scale * videos @ texts.T
        distance[~torch.from_numpy(seen[some])] = torch.inf
        for beta in BETAS:
            of_keys = torch.exp(-beta * distance) @ values
            for alpha in ALPHAS:
                parts[alpha, beta].append((of_texts + alpha * of_keys).softmax(-1).numpy())
    return {setting: np.concatenate(several) for setting, several in parts.items()}
