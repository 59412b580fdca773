"""The settings of the paper: what each trains and tests, and the row of the table that its scores become."""

from collections.abc import Sequence
from dataclasses import dataclass

from vifi_cli.data.paper_setting import PAPER_SEEDS, SUPERVISED, Setting
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate
from vifi_cli.evaluation.scoring.scores import (
    TestScores,
    harmonic_over_tests,
    mean_and_spread,
    mean_over_tests,
    named_scores,
)
from vifi_cli.evaluation.testing.views import ONE_VIEW, Views
from vifi_cli.wording import counted

TESTED_SETTINGS = ("zero-shot", "base2novel", "few-shot", "supervised")
PAPER_SHOTS = (2, 4, 8, 16)
MOST_SEEDS = 100


@dataclass(frozen=True, slots=True)
class TestList:
    """A list of test videos: its name, such as `split 2` or `novel`, and where the data has it."""

    name: str
    setting: Setting
    split: int = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """One training and the lists that are tested after it; without training, only the lists.

    `split` is the official split to train on. `seed` is None for that of the recipe, `shots` None for those of the
    setting; the trials of a method differ in them.
    """

    lists: tuple[TestList, ...]
    split: int
    seed: int | None = None
    shots: int | None = None

    @property
    def name(self) -> str:
        """Such as `seed1`, `K4` or `K4-seed1`; empty for the only trial of a method."""
        shots = [f"K{self.shots}"] if self.shots else []
        return "-".join([*shots, *([] if self.seed is None else [f"seed{self.seed}"])])

    @property
    def in_words(self) -> str:
        """The name for people."""
        shots = [counted(self.shots, "shot")] if self.shots else []
        return ", ".join([*shots, *([] if self.seed is None else [f"seed {self.seed}"])])


def read_setting(text: str) -> Setting:
    """Reads a setting that can be tested; `few-shot-4` is few-shot with a single K.

    Raises:
        InvalidInput: the setting is unknown.
    """
    if text in TESTED_SETTINGS or text.startswith("few-shot-"):
        return Setting.parse(text)
    raise InvalidInput(
        f"--setting {text}: the settings are {', '.join(TESTED_SETTINGS)}, few-shot-K, retrieval, moments and "
        "corpus-moments"
    )


def read_seeds(given: str | int | Sequence[int] | None) -> tuple[int, ...]:
    """Reads `1,2,3`, or how many seeds to take from 1 on; none for None.

    Raises:
        InvalidInput: it is something else.
    """
    if given is None:
        return ()
    words = given.split(",") if isinstance(given, str) else [given] if isinstance(given, int) else list(given)
    numbers = [int(word) for word in map(str, words) if word.strip().isdecimal()]
    is_count = isinstance(given, str | int) and len(words) == 1
    fits = all(number < 2**63 for number in numbers) and (not is_count or 1 <= sum(numbers) <= MOST_SEEDS)
    if not fits or not words or len(set(numbers)) < len(words):
        raise InvalidInput(
            f"--seeds {given}: write different whole numbers, such as 1,2,3, or how many (at most {MOST_SEEDS})"
        )
    return tuple(range(1, numbers[0] + 1)) if is_count else tuple(numbers)


def plan_trials(
    setting: Setting, data: DataSource, *, trains: bool, seeds: Sequence[int] = ()
) -> tuple[Trial, ...]:
    """What is trained, if `trains`, and tested in a setting; once for each of `seeds`, if any are given.

    Zero-shot tests every official split. Base-to-novel trains three times, on the paper's lists of a public set or on
    three draws of other data. Few-shot trains once for each K, on split 1 unless the data names another, because the
    published lists overlap the test lists of splits 2 and 3. Source: section 4.1 of the paper and `configs/`.
    """
    split, splits = data.split, data.official_splits
    number = split or 1
    if setting.name == "zero-shot":
        numbers = (split,) if split else tuple(range(1, splits + 1))
        names = [f"split {n}" if splits > 1 else "top-1" for n in numbers]
        lists = tuple(TestList(name, Setting("zero-shot"), n) for name, n in zip(names, numbers, strict=True))
        return (Trial(lists, number),)
    if setting.name == "base2novel":
        usual = PAPER_SEEDS if trains and not (split and data.is_public_set) else ()
        return _base2novel_trials(split, seeds or usual or (None,), is_named=data.is_public_set)
    tested = (TestList("test", SUPERVISED, number),)
    every_shots = (
        PAPER_SHOTS if setting.name == "few-shot" and trains and not setting.shots else (setting.shots,)
    )
    return tuple(Trial(tested, number, seed, shots) for shots in every_shots for seed in seeds or (None,))


def _base2novel_trials(
    split: int | None, seeds: Sequence[int | None], *, is_named: bool
) -> tuple[Trial, ...]:
    trials = []
    for seed in seeds:
        if is_named and seed and not split and seed not in PAPER_SEEDS:
            raise InvalidInput(
                f"--seeds {seed}: public sets have base2novel lists for the seeds 1, 2 and 3; name one list, as in "
                "ucf101:1, to train on it with any seed"
            )
        number = split or (seed if is_named else None) or 1
        lists = (TestList("base", Setting("base2novel"), number), TestList("novel", Setting("novel"), number))
        trials.append(Trial(lists, number, seed))
    return tuple(trials)


def paper_views(setting: Setting) -> Views:
    """The views of a test video in the paper: 4 clips x 3 crops in the supervised setting, otherwise one."""
    return Views(clips=4, crops=3) if setting.name == "supervised" else ONE_VIEW


def paper_frames(setting: Setting) -> int:
    """Frames of a test clip in the paper: 16 in the supervised setting, otherwise 32."""
    return 16 if setting.name == "supervised" else 32


def columns_of(
    setting: Setting, trials: Sequence[Trial], measures: Sequence[str] = ("top-1",)
) -> tuple[str, ...]:
    """The names of the columns, in the order of `row_of`; `measures` are the scores of a test by name."""
    if setting.name == "base2novel":
        return ("base", "novel", "HM")
    if setting.name == "few-shot" and any(trial.shots for trial in trials):
        names = tuple(dict.fromkeys(counted(trial.shots, "shot") for trial in trials if trial.shots))
    elif setting.name == "zero-shot" and trials[0].lists[0].name != "top-1":
        names = tuple(tested.name for tested in trials[0].lists)
    else:
        names = tuple(measures[:1])
    if len(names) == 1:
        return (*names, *measures[1:])
    return (*names, "mean") if setting.name == "zero-shot" else names


def main_columns(setting: Setting, trials: Sequence[Trial]) -> slice:
    """Which of `columns_of` stand for a set of data beside others: one, or a set of them that belong together."""
    if setting.name == "base2novel":
        return slice(3)
    if setting.name == "zero-shot":
        return slice(-1, None) if len(trials[0].lists) > 1 else slice(1)
    return slice(len({trial.shots for trial in trials}))


def row_of(
    setting: Setting, tested: Sequence[Sequence[TestScores | None]], trials: Sequence[Trial] = ()
) -> tuple[Estimate | None, ...]:
    """A method's row, from the scores of each list of each trial: all scores of one test, else the main ones.

    Trials that differ in their seeds alone are one test, with the means over seeds. A method has no scores (None) where
    it has no answer; then a mean over these has none.
    """
    if setting.name == "base2novel":
        base, novel = (_all_or_none([scores[place] for scores in tested]) for place in (0, 1))
        both = harmonic_over_tests(base, novel) if base and novel else None
        return (_mean_or_none(base), _mean_or_none(novel), both)
    if setting.name == "zero-shot":
        by_column = [[scores] for trial in tested for scores in trial]
    else:
        by_shots: dict[object, list[TestScores | None]] = {}
        for number, (scores,) in enumerate(tested):
            by_shots.setdefault(trials[number].shots if trials else number, []).append(scores)
        by_column = list(by_shots.values())
    columns = list(map(_all_or_none, by_column))
    if len(columns) == 1:
        return tuple(_named_means(columns[0]).values()) if columns[0] else (None,)
    alone = tuple(map(_mean_or_none, columns))
    every = _all_or_none([scores for column in by_column for scores in column])
    return (*alone, _mean_or_none(every)) if setting.name == "zero-shot" else alone


def _all_or_none(tests: Sequence[TestScores | None]) -> list[TestScores]:
    """The scores of tests; none where one of them has no scores."""
    known = [scores for scores in tests if scores is not None]
    return known if len(known) == len(tests) else []


def _mean_or_none(tests: Sequence[TestScores]) -> Estimate | None:
    return mean_over_tests(tests) if tests else None


def _named_means(tests: Sequence[TestScores]) -> dict[str, Estimate | None]:
    """The scores of a test by name; over several seeds their means, those beside the main one without an interval."""
    main, *others = named_scores(tests[0])
    if len(tests) == 1:
        return named_scores(tests[0])
    every = [named_scores(test) for test in tests]
    means = {name: _mean_estimate([scores[name] for scores in every]) for name in others}
    return {main: mean_over_tests(tests)} | means


def _mean_estimate(estimates: Sequence[Estimate | None]) -> Estimate | None:
    """The mean and spread of one score over several tests; None if a test has no such score."""
    known = [estimate for estimate in estimates if estimate]
    if len(known) < len(estimates):
        return None
    mean, spread = mean_and_spread([estimate.value for estimate in known])
    return Estimate(mean, spread=spread, unit=known[0].unit)
