"""What the marks of a concept have brought, in words that terminal, page and programs share."""

from dataclasses import dataclass

from vifi_cli.index.concepts.concept import Concept, LearnedQuery
from vifi_cli.wording import gain_text, score_text

TEXT_FORM = "text"
MANY = 6
"""So many wrong marks without a right one show that the description does not lead there."""


@dataclass(frozen=True, slots=True, repr=False)
class TeachingReport:
    """What is known about a concept now, in numbers and in words, each a sentence without a full stop."""

    name: str
    description: str
    right: int  # marks
    wrong: int
    learned: LearnedQuery | None
    result: str  # what learning has brought, or why nothing was learned
    advice: str  # the next step

    def __str__(self) -> str:
        return self.line

    def __repr__(self) -> str:
        return f"<@{self.name}: {self.line}>"

    @property
    def marks(self) -> str:
        """How many, such as `3 right, 6 wrong`."""
        return f"{self.right:,} right, {self.wrong:,} wrong" if self.right or self.wrong else "no marks"

    @property
    def line(self) -> str:
        """Everything in one line."""
        return f"{self.marks}: {self.result}; {self.advice}"


def teaching_report(concept: Concept) -> TeachingReport:
    """Reports on a concept as it is kept: how many marks, how well it ranks marks left out, and what is missing."""
    right, wrong = concept.right, concept.wrong
    known = concept.name, concept.description, right, wrong, concept.learned
    if right and wrong and concept.learned is not None:
        return TeachingReport(*known, _result(concept.learned), _advice(concept, concept.learned))
    if right and wrong:
        advice = "the marked videos are not in the index: mark others"
    elif right:
        advice = "learning needs a wrong one, too"
    elif wrong >= MANY:
        advice = f"if you know a right one, name it: `vifi teach {concept.name} --right FILE@1:20-1:24`"
    elif wrong:
        advice = "learning needs a right one"
    else:
        advice = "mark a moment as right or wrong"
    return TeachingReport(*known, "nothing was learned yet", advice)


def _result(learned: LearnedQuery) -> str:
    validation = learned.validation
    if validation is None:
        return "learned, but how much that helps cannot be measured yet"
    precisions = (
        f"average precision on marks left out {score_text(validation.text_precision)} by the description, "
        f"{score_text(validation.learned_precision)} after learning"
    )
    if learned.form == TEXT_FORM:
        return f"{precisions}, so the description alone is used"
    chance = ", which may be chance" if learned.needs_more_marks else ""
    gain = gain_text(validation.gain, validation.gain_low, validation.gain_high)
    return f"{precisions}{chance} ({gain})"


def _advice(concept: Concept, learned: LearnedQuery) -> str:
    search = f"`vifi search @{concept.name}` searches with it"
    if not learned.needs_more_marks:
        return search
    return f"{_missing(concept)} before it is sure"


def _missing(concept: Concept) -> str:
    """Which marks would help most."""
    videos = {is_right: _videos_of(concept, is_right=is_right) for is_right in (True, False)}
    for is_right, kind in ((True, "right"), (False, "wrong")):
        if len(videos[is_right]) == 1:
            return f"needs {kind} marks from another video"
    return f"needs more marks, {'right' if concept.right <= concept.wrong else 'wrong'} ones above all,"


def _videos_of(concept: Concept, *, is_right: bool) -> set[str]:
    return {mark.fingerprint or str(mark.path) for mark in concept.marks if mark.is_right is is_right}
