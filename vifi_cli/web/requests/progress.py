"""How far a concept is, in the words that the page shows and the API sends."""

from vifi_cli.api.teaching.report import teaching_report
from vifi_cli.index.concepts.concept import Concept


def progress_of(concept: Concept) -> str:
    """What the marks of a concept have taught, and what is still missing, in sentences."""
    report = teaching_report(concept)
    is_sure = concept.learned is not None and not concept.learned.needs_more_marks
    sentences = (report.result,) if is_sure else (report.result, report.advice)
    return " ".join(f"{sentence[:1].upper()}{sentence[1:]}." for sentence in sentences)
