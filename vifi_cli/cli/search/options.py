"""Options that the commands that look for moments share, in bundles."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vifi_cli.cli.terminal.options.settings import takes_setting
from vifi_cli.cli.terminal.options.shared import DeviceOption, model_option
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.api.search.hits.line_format import HitFormat
    from vifi_cli.index.catalog.video_filter import VideoFilter
    from vifi_cli.index.search.ranking import RankingOptions

OUTPUT = "Output"
hits_option = partial(typer.Option, rich_help_panel="Which hits")
videos_option = partial(typer.Option, rich_help_panel="Among which videos")
output_form_option = partial(typer.Option, rich_help_panel=OUTPUT)
HitUnit = Literal["moment", "video"]
PER_VIDEO = 3


@dataclass(frozen=True, kw_only=True)
class HitSelection:
    """Which hits a search returns."""

    top: Annotated[
        int,
        hits_option(
            "--top",
            "-t",
            min=0,
            help="Maximum number of hits; 0 for all",
            callback=takes_setting("top"),
        ),
    ] = 10
    per_video: Annotated[
        int | None,
        hits_option(
            min=0, help="Maximum number of moments per video; 0 for all", show_default=str(PER_VIDEO)
        ),
    ] = None
    min_score: Annotated[
        float | None,
        hits_option(
            min=0.0,
            max=1.0,
            help="Minimum relevance, or cosine where that is shown; 0 keeps all",
            show_default="0.3",
        ),
    ] = None
    unsure: Annotated[
        bool,
        hits_option(
            "--unsure",
            help="Add up to 3 less relevant hits if no hit is likely, as a terminal always does",
        ),
    ] = False
    dedupe: Annotated[bool, hits_option("--dedupe", help="Keep only the best of hits that look alike")] = (
        False
    )

    def options(self, by: HitUnit, among: VideoFilter) -> RankingOptions:
        """The hits asked for, except for their minimum score, among these videos."""
        from vifi_cli.index.search.ranking import RankingOptions

        return RankingOptions(
            top=self.top,
            by=by,
            per_video=PER_VIDEO if self.per_video is None else self.per_video,
            among=among,
            fold_duplicates=self.dedupe,
        )


@dataclass(frozen=True, kw_only=True)
class HitChoice(HitSelection):
    """Which hits a search returns, and what a hit is."""

    by: Annotated[HitUnit, hits_option(help="Whether a hit is a moment or a video")] = "moment"

    def __post_init__(self) -> None:
        if self.by == "video" and self.per_video is not None:
            raise InvalidInput("--per-video counts moments, and --by video gives one hit per video: omit one")


@dataclass(frozen=True, kw_only=True)
class StepOptions:
    """How the steps of a query follow each other."""

    within: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Maximum time from the end of a step to the start of the next: 30s, 2m or 1:30",
            rich_help_panel="Steps (A then B)",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class VideoSelection:
    """Which videos a search looks at."""

    path: Annotated[
        str | None, videos_option(metavar="GLOB", help="Only videos whose path matches, or under a folder")
    ] = None
    newer: Annotated[
        str | None,
        videos_option(
            metavar="WHEN",
            help="Only videos changed on or after a day (2026-01-31) or within a time (12h, 7d, 3w)",
        ),
    ] = None
    older: Annotated[
        str | None, videos_option(metavar="WHEN", help="Only videos changed before a day, or longer ago")
    ] = None
    min_duration: Annotated[
        str | None, videos_option(metavar="LENGTH", help="Minimum length: 90, 1:30 or 2h")
    ] = None
    max_duration: Annotated[str | None, videos_option(metavar="LENGTH", help="Maximum length")] = None

    def video_filter(self) -> VideoFilter:
        """The videos asked for; raises InvalidInput if an option makes no sense, or no video can meet them all."""
        from vifi_cli.api.search.video_choice import VideoChoice, video_filter

        return video_filter(VideoChoice(**asdict(self)), _flag)


@dataclass(frozen=True, kw_only=True)
class HitOutput:
    """The form in which hits are written."""

    as_json: Annotated[bool, output_form_option("--json", help="Write one JSON document to stdout")] = False
    as_jsonl: Annotated[bool, output_form_option("--jsonl", help="Write one JSON document per hit")] = False
    filepath_only: Annotated[
        bool, output_form_option("--filepath-only", "-f", help="Write only paths, each once")
    ] = False
    print0: Annotated[
        bool, output_form_option("--print0", "-0", help="Like -f, but end paths with NUL, for xargs -0")
    ] = False
    template: Annotated[
        str | None,
        output_form_option(
            "--format", metavar="TEMPLATE", help=r"Write each hit as in '{path}\t{start:.1f}\t{end:.1f}'"
        ),
    ] = None

    thumbs: Annotated[
        bool, output_form_option("--thumbs", help="Show a frame beside each hit on a terminal")
    ] = False

    def __post_init__(self) -> None:
        forms = (self.as_json, self.as_jsonl, self.is_of_paths, self.template is not None)
        if forms.count(True) > 1:
            raise InvalidInput("--json, --jsonl, -f/-0 and --format are different outputs: choose one")
        if self.thumbs and any(forms):
            raise InvalidInput(
                "--thumbs shows pictures beside a list of hits: omit it, or the other form of output"
            )
        _ = self.hit_format

    @cached_property
    def hit_format(self) -> HitFormat | None:
        """The template; raises InvalidInput if it makes no sense."""
        if self.template is None:
            return None
        from vifi_cli.api.search.hits.line_format import HitFormat

        return HitFormat(self.template)

    @property
    def is_of_paths(self) -> bool:
        """Whether paths alone are written, each once."""
        return self.filepath_only or self.print0

    @property
    def is_table(self) -> bool:
        """Whether hits are written as a table, or in a pipe as lines."""
        return not (self.as_json or self.as_jsonl or self.is_of_paths or self.template)


@dataclass(frozen=True, kw_only=True)
class EncoderOptions:
    """The encoder of words, and where it runs."""

    model: Annotated[
        str | None,
        model_option(
            "Model that reads the words, such as learned prompts",
            default="the index's own",
            follows_setting=False,
        ),
    ] = None
    device: DeviceOption = "auto"


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
