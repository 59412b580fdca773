"""Checks labeled videos, and splits them into train, val and test."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.api.evaluation.near_duplicates import check_choice, find_near_duplicates
from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.library.encoders import EncoderChoice
from vifi_cli.api.models.class_texts import unclear_class_texts
from vifi_cli.data.labeled_videos import ClassCount, LabeledVideos, shows_several_classes
from vifi_cli.data.loading import read_labeled_videos, read_own_splits, refusals_of_setting
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.data.splits.class_choice import read_class_choice
from vifi_cli.data.splits.holding_out import GroupsTooFew
from vifi_cli.data.splits.plan import SplitPlan, split_base_and_novel, split_videos, write_splits
from vifi_cli.data.video_checks import DataCheck, check_videos
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path


@dataclass(frozen=True, slots=True, repr=False)
class DataSplit:
    """The tables that `split_data` wrote."""

    tables: dict[Path, LabeledVideos]  # two for base and novel classes
    keeps_splits: bool  # whether the videos stayed in the splits that they came in
    remarks: tuple[str, ...] = ()  # sentences for the user

    def counts(self) -> tuple[ClassCount, ...]:
        """The number of videos of each class, a row each: `pandas.DataFrame(split.counts())`."""
        return tuple(count for videos in self.tables.values() for count in videos.counts())

    def __repr__(self) -> str:
        files = "; ".join(f"{path.name}: {videos.sizes}" for path, videos in self.tables.items())
        return f"<DataSplit {files}>"


def check_data(
    data: Path | str | DataSource,
    setting: str | Setting = "supervised",
    *,
    data_root: Path | str | None = None,
    classes: str | Sequence[str] | None = None,
    decode: bool = True,
    near_duplicates: bool | str | EncoderChoice = False,
    feedback: Feedback = AUTOMATIC,
) -> DataCheck:
    """Checks labeled videos for missing, broken and duplicate files, leaks between splits, and empty classes.

    Args:
        data: a folder of class folders, a CSV or JSONL table, `LISTS,LABELS`, a file of BORIS, ELAN, CVAT or VIA, or a
            public set such as `ucf101:2`.
        setting: of the paper, whose splits are checked, such as `few-shot-16`.
        data_root: the folder of public sets, for other data a second folder to look for videos in; else the setting.
        classes: the only ones to check: names, or `present` for those with videos on disk, or a file of names.
        decode: whether to decode every video, at eight places or more.
        near_duplicates: whether to look for training videos that are held out too, encoded again, scaled, cropped or
            cut shorter. The name of a model, or an `EncoderChoice`, says whose embeddings find videos that look alike;
            True takes that of `index_videos`.
        feedback: receives progress.

    Raises:
        InvalidInput: the data cannot be read, or there is no such model.
        ModelUnavailable: the model cannot be fetched.
    """
    encoder = _encoder(near_duplicates)
    with feedback.busy("Reading the list of videos"):
        chosen = Setting.parse(setting) if isinstance(setting, str) else setting
        videos, unsplittable = _read(_source(data, data_root, classes), chosen)
    refused = tuple(refusals_of_setting(videos, chosen))
    if not refused and (unclear := unclear_class_texts(videos.class_names)):
        refused = (unclear,)
    found = replace(_checked(videos, feedback, decode=decode), unsplittable=unsplittable, refusals=refused)
    if encoder is None:
        return found
    return replace(found, near_duplicates=find_near_duplicates(videos, encoder, feedback, found.duplicates))


def _encoder(near_duplicates: bool | str | EncoderChoice) -> EncoderChoice | None:
    """The encoder that finds near-duplicates, which exists; None if they are not looked for."""
    if near_duplicates is False:
        return None
    choice = EncoderChoice(near_duplicates) if isinstance(near_duplicates, str) else near_duplicates
    choice = EncoderChoice() if choice is True else choice
    check_choice(choice)
    return choice


def _checked(videos: LabeledVideos, feedback: Feedback, *, decode: bool) -> DataCheck:
    if not decode:
        return check_videos(videos, decode=False)
    with feedback.task("Checking", len({video.path for video in videos.all_videos()}), "files") as report:
        return check_videos(videos, on_decoded=report)


def _read(source: DataSource, setting: Setting) -> tuple[LabeledVideos, str]:
    """The videos as training would take them, or as they are, and why training could hold none of them out."""
    try:
        return read_labeled_videos(source, setting), ""
    except GroupsTooFew as error:
        return read_own_splits(source), str(error)


def split_data(
    data: Path | str | DataSource,
    output: Path | str,
    plan: SplitPlan | None = None,
    *,
    data_root: Path | str | None = None,
    classes: str | Sequence[str] | None = None,
) -> DataSplit:
    """Splits labeled videos into train, val and test, each class in the same shares, and writes a table.

    The table is CSV, or JSONL, which also takes videos of several classes, by the suffix of `output`.

    Without a plan, a fifth of each class goes to val and a fifth to test. Splits that the data comes in stay, unless
    the plan asks for shares or groups. For base and novel classes, `-base` and `-novel` follow the name of `output`.
    `data`, `data_root` and `classes` are as for `check_data`.

    Raises:
        InvalidInput: the data cannot be read or split so, or the table cannot be at `output`.
        OSError: a table cannot be written.
    """
    plan = plan or SplitPlan()
    path, source = Path(output).expanduser(), _source(data, data_root, classes)
    _check_output(path, source)
    videos = read_own_splits(source)
    if path.suffix.lower() == ".csv" and shows_several_classes(videos.all_videos()):
        raise InvalidInput(f"{path}: some videos of {videos.name} have several classes: write a .jsonl table")
    made = split_videos(videos, plan)
    tables = {path: made}
    if plan.base_novel:
        paths = (path.with_name(f"{path.stem}-{part}{path.suffix}") for part in ("base", "novel"))
        tables = dict(zip(paths, split_base_and_novel(made), strict=True))
    for place, table in tables.items():
        write_splits(table, place)
    return DataSplit(tables, plan.keeps_splits_of(videos), videos.remarks)


def _source(
    data: Path | str | DataSource, data_root: Path | str | None, classes: str | Sequence[str] | None
) -> DataSource:
    root = given_path(Path(data_root)) if data_root else None
    source = data if isinstance(data, DataSource) else DataSource.parse(str(data), root)
    return replace(source, root=root or source.root, classes=read_class_choice(classes) or source.classes)


def _check_output(path: Path, source: DataSource) -> None:
    if path.suffix.lower() not in (".csv", ".jsonl"):
        raise InvalidInput(f"{path}: vifi writes a CSV or JSONL table, so let the name end in .csv or .jsonl")
    if given_path(path) == given_path(Path(source.name)):
        raise InvalidInput(f"{path} is the data itself: write to another file")
    if not path.absolute().parent.is_dir():
        raise InvalidInput(f"{path.parent} is not a folder: create it, or write elsewhere")
