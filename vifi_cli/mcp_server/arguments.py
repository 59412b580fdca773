"""The arguments of the tools: what a language model may ask for, in units and within limits that it can read."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vifi_cli.errors import InvalidInput
from vifi_cli.web.requests.named_values import advice_for, check_is_text
from vifi_cli.web.requests.question import MOST_LETTERS

MOST_HITS, MOST_VIDEOS = 100, 500
SMALLEST_PICTURE, LARGEST_PICTURE = 64, 1080
NOT_CALLED_SO = "extra_forbidden"

Seconds = Annotated[float, Field(ge=0, le=1_000_000)]
Indexed = Annotated[
    str,
    Field(
        min_length=1,
        description="An indexed video: its path, the end of its path, or its `key` from an earlier answer",
    ),
]

Given = TypeVar("Given", bound="Arguments")


class Arguments(BaseModel):
    """Arguments of a tool; unknown ones, NaN and infinity are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, str_max_length=MOST_LETTERS)


class Videos(Arguments):
    """Which videos to look at."""

    path: Annotated[
        str | None,
        Field(description="Only videos under this folder, or whose path matches this glob, such as *.mkv"),
    ] = None
    newer: Annotated[
        str | None,
        Field(description="Only files changed since a day (2026-01-31) or within an age (12h, 7d, 3w)"),
    ] = None
    older: Annotated[
        str | None, Field(description="Only files changed before a day, or longer ago than an age")
    ] = None
    min_seconds: Annotated[Seconds, Field(description="Minimum length of the video in seconds")] = 0.0
    max_seconds: Annotated[Seconds | None, Field(description="Maximum length of the video in seconds")] = None


class Hits(Videos):
    """Which hits to return."""

    top: Annotated[int, Field(ge=1, le=MOST_HITS, description="Maximum number of hits")] = 10
    by: Annotated[
        Literal["moment", "video"], Field(description="Whether a hit is a moment, or a complete video")
    ] = "moment"
    per_video: Annotated[
        int, Field(ge=0, le=MOST_HITS, description="Maximum number of moments per video; 0 for all")
    ] = 3
    min_score: Annotated[
        float | None,
        Field(ge=0, le=1, description="Minimum relevance, or cosine where relevance is null; by default 0.3"),
    ] = None
    unsure: Annotated[
        bool,
        Field(description="If no hit is likely, add up to 3 less relevant ones, marked unsure"),
    ] = True
    dedupe: Annotated[bool, Field(description="Keep only the best of hits that look alike")] = False


class Search(Hits):
    """Arguments of `search`."""

    query: Annotated[
        str,
        Field(
            min_length=1,
            description="What is to be seen, as a short description: a dog running on a beach. Sound, speech and "
            "names of people are not searched. Terms can be added and subtracted with weights: dog + beach - 0.5:rain. "
            "A lone `then` separates steps in order of time, `then not` excludes one: opens a door then sits down. "
            "@NAME is a concept that the user has taught; status lists these",
        ),
    ]
    within_seconds: Annotated[
        float | None,
        Field(
            gt=0, le=1_000_000, description="Maximum seconds from the end of a step to the start of the next"
        ),
    ] = None


class Similar(Hits):
    """Arguments of `similar`."""

    video: Indexed
    start_seconds: Annotated[
        Seconds | None, Field(description="Where the example begins, in seconds from the start of the video")
    ] = None
    end_seconds: Annotated[
        Seconds | None,
        Field(description="Where the example ends, in seconds; omit both for the complete video"),
    ] = None


class Seen(Arguments):
    """A moment that was looked at."""

    video: Indexed
    start_seconds: Annotated[Seconds, Field(description="Where it begins, in seconds")]
    end_seconds: Annotated[Seconds, Field(description="Where it ends, in seconds")]


class Teach(Arguments):
    """Arguments of `teach`."""

    name: Annotated[str, Field(min_length=1, description="Name of the concept: search finds it as @NAME")]
    description: Annotated[
        str | None,
        Field(description="What it looks like, such as: a person waves. Needed the first time"),
    ] = None
    right: Annotated[
        list[Seen],
        Field(max_length=MOST_HITS, description="Moments that show it, as the user or a frame says"),
    ] = []
    wrong: Annotated[list[Seen], Field(max_length=MOST_HITS, description="Moments that do not show it")] = []
    top: Annotated[int, Field(ge=0, le=MOST_HITS, description="How many moments to mark next to return")] = 5


class ListVideos(Videos):
    """Arguments of `list_videos`."""

    limit: Annotated[int, Field(ge=1, le=MOST_VIDEOS, description="Maximum number of videos")] = 50
    after: Annotated[
        str | None, Field(description="`next` of the answer before, for the videos that follow")
    ] = None


class CutClip(Arguments):
    """Arguments of `cut_clip`."""

    video: Indexed
    start_seconds: Annotated[
        Seconds, Field(description="Where the clip begins, in seconds from the start of the video")
    ]
    end_seconds: Annotated[
        Seconds,
        Field(
            description="Where the clip ends, in seconds from the start of the video; at most 600 after start_seconds"
        ),
    ]


class ShowFrame(Arguments):
    """Arguments of `show_frame`."""

    video: Indexed
    seconds: Annotated[Seconds, Field(description="Which frame, in seconds from the start of the video")]
    max_height: Annotated[
        int,
        Field(ge=SMALLEST_PICTURE, le=LARGEST_PICTURE, description="Maximum height of the picture in pixels"),
    ] = 480


class NoArguments(Arguments):
    """For tools that take none."""


def read_arguments(kind: type[Given], given: dict[str, Any]) -> Given:
    """The arguments of a call; raises InvalidInput with one line that says what is wrong with each."""
    for name, value in given.items():
        for text in _texts(value):
            check_is_text(name, text)
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        known = list(kind.model_fields)
        problems = [_problem(each["loc"], each["type"], each["msg"], known) for each in error.errors()]
        raise InvalidInput("; ".join(problems)) from None


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _problem(place: tuple[int | str, ...], kind: str, message: str, known: list[str]) -> str:
    name = str(place[0]) if place else "arguments"
    if kind != NOT_CALLED_SO:
        return f"`{name}`: {message[:1].lower()}{message[1:]}"
    return f"`{name}` is not an argument: {advice_for(name, known, 'the tool')}"


def schema_of(kind: type[Arguments]) -> dict[str, Any]:
    """The JSON schema of arguments, without the titles that pydantic makes of names."""
    schema = kind.model_json_schema()
    for each in (schema, *schema.get("properties", {}).values()):
        each.pop("title", None)
    schema.pop("description", None)
    return schema
