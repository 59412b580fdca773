"""What `improve` would do: which concepts have enough marks, which are held out, and how a model is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vifi_cli.api.teaching.improvement.held_out import HeldOut, hold_out, regrouped
from vifi_cli.api.teaching.labeled_marks import MarkedMoments, labeled_marks, marked_moments
from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.data.splits.random_splits import USUAL_SEED
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.concepts.concept import Concept
from vifi_cli.wording import counted

Method = Literal["text-prompts", "lora", "finetune"]
LEAST_RIGHT = 3
"""Right marks of a concept to learn from."""
FEW_MARKS = 30
"""With fewer right marks to learn from, only prompts of the text tower are learned: they leave the index as it is."""


@dataclass(frozen=True, slots=True)
class MarkCounts:
    """The marks of a concept: those to learn from, and those that are held out."""

    name: str
    right: int
    wrong: int
    held_out_right: int
    held_out_wrong: int

    @property
    def lacks(self) -> str:
        """What is missing before a model can be trained and tested, in words; empty if nothing is."""
        missing = []
        if self.right < LEAST_RIGHT:
            more = LEAST_RIGHT - self.right
            missing.append(f"{counted(more, 'more right mark')} to learn from")
        if not self.wrong:
            missing.append("a wrong mark to learn from")
        if not self.held_out_right or not self.held_out_wrong:
            kind = "wrong" if self.held_out_right else "right"
            missing.append(f"{kind} marks of another video, to hold out")
        return " and ".join(missing)


@dataclass(frozen=True, slots=True)
class MarkPlan:
    """The marks that a model learns from, and those that test it."""

    marked: MarkedMoments
    held_out: HeldOut
    counts: tuple[MarkCounts, ...]  # of each improved concept
    lacking: tuple[MarkCounts, ...]  # of concepts without enough marks

    @property
    def right(self) -> int:
        """How many right marks there are to learn from."""
        return sum(each.right for each in self.counts)

    def videos(self, name: str) -> LabeledVideos:
        """The marked moments as labeled videos, the held-out ones as the test."""
        return labeled_marks(self.marked, name, held_out=self.held_out.groups)


def plan_marks(catalog: Catalog, concepts: Sequence[Concept], group_by: str | None = None) -> MarkPlan:
    """Splits the marks of concepts, without those that have too few.

    Raises:
        InvalidInput: no concept has enough; the message says what each lacks.
    """
    lacking: list[MarkCounts] = []
    left = list(concepts)
    while left:
        marked = regrouped(marked_moments(catalog, left), group_by)
        held_out = hold_out(marked, USUAL_SEED)
        counts = [_counts(marked, held_out, place) for place in range(len(left))]
        short = [each for each in counts if each.lacks]
        if not short:
            return MarkPlan(marked, held_out, tuple(counts), tuple(lacking))
        lacking += short
        names = {each.name for each in short}
        left = [concept for concept in left if concept.name not in names]
    needs = "; ".join(f"@{each.name} needs {each.lacks}" for each in lacking)
    raise InvalidInput(f"not enough marks: {needs}. Mark more with `vifi teach`")


def choose_method(plan: MarkPlan, *, is_starter: bool) -> tuple[Method, str]:
    """How to train by the number of marks and the encoder, and why, in words."""
    right = counted(plan.right, "right mark")
    if plan.right < FEW_MARKS:
        return "text-prompts", f"{right} to learn from are few, and text prompts leave the index valid"
    if is_starter:
        return "finetune", f"{right} to learn from, and starter learns more by all weights than by LoRA"
    return "lora", f"{right} to learn from, and LoRA changes little of a large model"


def _counts(marked: MarkedMoments, held_out: HeldOut, place: int) -> MarkCounts:
    concept = marked.concepts[place]
    learn_right, learn_wrong = (
        marked.count(place, right=right, without=held_out.groups) for right in (True, False)
    )
    all_right, all_wrong = (marked.count(place, right=right) for right in (True, False))
    return MarkCounts(
        concept.name, learn_right, learn_wrong, all_right - learn_right, all_wrong - learn_wrong
    )
