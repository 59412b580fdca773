"""The figures of the ViFi-CLIP paper, to stand beside measured ones."""

from vifi_cli.evaluation.report import ResultTable


def published_rows(setting: str, data: str) -> ResultTable | None:
    """The paper's rows for a named set; None where it has none.

    Args:
        setting: `zero-shot`, `base2novel`, `few-shot` or `supervised`.
        data: `hmdb51`, `ucf101`, `k400`, `k600` or `ssv2`.
    """
    raise NotImplementedError(setting, data)
