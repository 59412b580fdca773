"""The tools, called by the SDK's own client."""

import base64
import io
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import av
import mcp_types as types
import pytest
from mcp import Client
from PIL import Image

from tests.color_encoder import ColorEncoder
from tests.made_videos import solid_colour_clip
from tests.web.conftest import Library, empty_library
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.mcp_server.clips_folder import ClipsFolder
from vifi_cli.mcp_server.server import RunningCalls, make_server
from vifi_cli.mcp_server.tools import Tools

Asked = Callable[[Client], Coroutine[Any, Any, None]]


@asynccontextmanager
async def connected(library: Library, clips: Path) -> AsyncIterator[Client]:
    loaded: list[int] = []

    def load(*_: object) -> ColorEncoder:
        loaded.append(1)
        return ColorEncoder()

    tools = Tools(library.index, ClipsFolder(clips), AUTOMATIC, load)
    try:
        async with Client(make_server(tools, RunningCalls())) as client:
            yield client
    finally:
        tools.close()
    assert len(loaded) <= 1  # however many calls there were


def ask(library: Library, clips: Path, asked: Asked) -> None:
    """Lets a client ask a server of a library."""

    async def run() -> None:
        async with connected(library, clips) as client:
            await asked(client)

    anyio.run(run)


def document(result: types.CallToolResult) -> dict[str, Any]:
    """The structured result of a call, which its text repeats."""
    assert not result.is_error, result.content
    last = result.content[-1]
    assert isinstance(last, types.TextContent)
    found: dict[str, Any] = result.structured_content
    assert json.loads(last.text) == found
    return found


def problem(result: types.CallToolResult) -> str:
    """What is wrong, in one line."""
    assert result.is_error
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    assert len(content.text.splitlines()) == 1
    return content.text


def test_every_tool_is_described_with_units_and_limits(made: Library, tmp_path: Path) -> None:
    async def asked(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"search", "similar", "teach", "status", "list_videos", "cut_clip", "show_frame"}
        for tool in tools.values():
            assert tool.description
            assert tool.output_schema
            assert tool.input_schema["additionalProperties"] is False
            assert tool.annotations
            assert tool.annotations.read_only_hint is (tool.name not in ("cut_clip", "teach"))
            for name, parameter in tool.input_schema.get("properties", {}).items():
                assert parameter.get("description"), (tool.name, name)
                assert "title" not in parameter
                if name.endswith("seconds"):
                    assert "second" in parameter["description"]
        assert tools["search"].input_schema["required"] == ["query"]
        assert tools["search"].input_schema["properties"]["top"] | {"description": ""} == {
            "default": 10,
            "description": "",
            "maximum": 100,
            "minimum": 1,
            "type": "integer",
        }

    ask(made, tmp_path, asked)


def test_a_hit_can_be_searched_looked_at_and_cut(made: Library, tmp_path: Path) -> None:
    async def asked(client: Client) -> None:
        found = document(await client.call_tool("search", {"query": "blue", "top": 1, "path": "*then_blue*"}))
        (hit,) = found["hits"]
        assert hit["path"] == str(made.videos / "day" / "red_then_blue.mp4")
        assert hit["key"] == made.key("day/red_then_blue.mp4")
        assert 5 <= hit["start_seconds"] < hit["end_seconds"] <= 12
        assert (hit["relevance"], hit["unsure"]) == (pytest.approx(1, abs=0.1), False)

        middle = (hit["start_seconds"] + hit["end_seconds"]) / 2
        shown = await client.call_tool(
            "show_frame", {"video": hit["key"], "seconds": middle, "max_height": 64}
        )
        picture, _ = shown.content
        assert isinstance(picture, types.ImageContent)
        assert picture.mime_type == "image/jpeg"
        with Image.open(io.BytesIO(base64.b64decode(picture.data))) as frame:
            red, green, blue = frame.resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
            assert blue > 200 > 60 > max(red, green)
            assert frame.size == (document(shown)["width"], document(shown)["height"])
            assert frame.height <= 64

        span = {"video": hit["path"], "start_seconds": 7, "end_seconds": 8.5}
        paths = [Path(document(await client.call_tool("cut_clip", span))["clip"]) for _ in range(2)]
        assert [path.name for path in paths] == ["red_then_blue-0m07s.mp4", "red_then_blue-0m07s-2.mp4"]
        assert sorted(tmp_path.iterdir()) == sorted(paths)
        for path in paths:
            with av.open(str(path)) as clip:
                assert clip.duration is not None
                assert clip.duration / 1e6 == pytest.approx(1.5, abs=0.1)

    ask(made, tmp_path, asked)


def test_steps_in_order_are_found(made: Library, tmp_path: Path) -> None:
    async def asked(client: Client) -> None:
        given = {"query": "red then blue", "top": 1, "within_seconds": 5, "min_score": 0}
        (hit,) = document(await client.call_tool("search", given))["hits"]
        assert hit["path"] == str(made.videos / "day" / "red_then_blue.mp4")
        assert [step["query"] for step in hit["steps"]] == ["red", "blue"]
        assert hit["steps"][0]["end_seconds"] <= hit["steps"][1]["start_seconds"]

    ask(made, tmp_path, asked)


def test_a_concept_is_taught_and_searched_for(made: Library, tmp_path: Path) -> None:
    copy = Library(made.videos, tmp_path / "index")
    shutil.copytree(made.index, copy.index)

    async def asked(client: Client) -> None:
        begun = document(await client.call_tool("teach", {"name": "sky", "description": "blue", "top": 2}))
        assert (begun["right"], begun["wrong"], begun["progress"][:7]) == (0, 0, "nothing")
        hit, other = begun["candidates"]
        assert hit["path"] == str(made.videos / "day" / "red_then_blue.mp4")
        seen = {"start_seconds": hit["start_seconds"], "end_seconds": hit["end_seconds"]}
        wrong = {"video": other["path"], "start_seconds": 0, "end_seconds": 1}
        marks = {"name": "sky", "right": [{"video": hit["key"], **seen}], "wrong": [wrong], "top": 0}
        taught = document(await client.call_tool("teach", marks))
        assert (taught["right"], taught["wrong"], taught["candidates"]) == (1, 1, [])
        assert taught["progress"].startswith("learned, ")
        found = document(await client.call_tool("search", {"query": "@sky", "min_score": 0}))
        assert found["query"] == "@sky"
        assert [(each["key"], each["marked"]) for each in found["hits"] if "marked" in each] == [
            (hit["key"], "right")
        ]
        assert document(await client.call_tool("status", {}))["concepts"] == ["sky"]
        for problem, arguments in (
            ("no concept is called @sea", {"name": "sea"}),
            ("cannot name a concept", {"name": "a b", "description": "blue"}),
            ("is not an indexed video", {"name": "sky", "right": [{**wrong, "video": "/etc/passwd"}]}),
            ("choose an earlier time", {"name": "sky", "right": [{**wrong, "start_seconds": 99}]}),
            ("a moment ends after it begins", {"name": "sky", "right": [{**wrong, "end_seconds": 0}]}),
        ):
            refused = await client.call_tool("teach", arguments)
            assert refused.is_error
            assert problem in refused.content[0].text

    ask(copy, tmp_path / "clips", asked)


def test_several_calls_at_once_are_answered_each_with_its_own(made: Library, tmp_path: Path) -> None:
    async def asked(client: Client) -> None:
        answers: dict[str, str] = {}

        async def search(color: str) -> None:
            found = document(await client.call_tool("search", {"query": color, "top": 1, "by": "video"}))
            answers[color] = Path(found["hits"][0]["path"]).name

        async with anyio.create_task_group() as tasks:
            for color in ("green", "blue"):
                tasks.start_soon(search, color)
            for _ in range(2):
                tasks.start_soon(client.call_tool, "status")
                tasks.start_soon(
                    client.call_tool, "cut_clip", {"video": "red.mp4", "start_seconds": 1, "end_seconds": 2}
                )
        assert answers["green"] == "green.mp4"
        assert answers["blue"] in ("blue.mkv", "red_then_blue.mp4")
        assert {path.name for path in tmp_path.iterdir()} == {"red-0m01s.mp4", "red-0m01s-2.mp4"}

    ask(made, tmp_path, asked)


def test_an_example_is_left_out_and_its_looks_found(made: Library, tmp_path: Path) -> None:
    async def asked(client: Client) -> None:
        for video in ("red.mp4", made.key("day/red.mp4")):
            found = document(await client.call_tool("similar", {"video": video, "top": 1, "by": "video"}))
            assert Path(found["hits"][0]["path"]).name == "red_then_blue.mp4"
            assert found["hits"][0]["relevance"] is None
        part = {"video": "red_then_blue.mp4", "start_seconds": 8, "end_seconds": 10, "top": 1, "by": "video"}
        assert Path(document(await client.call_tool("similar", part))["hits"][0]["path"]).name == "blue.mkv"
        nearest = {"video": "green.mp4", "path": "day", "min_score": 0.99}
        assert all(hit["unsure"] for hit in document(await client.call_tool("similar", nearest))["hits"])
        assert not document(await client.call_tool("similar", nearest | {"unsure": False}))["hits"]

    ask(made, tmp_path, asked)


def test_videos_are_listed_a_page_at_a_time(made: Library, tmp_path: Path) -> None:
    async def asked(client: Client) -> None:
        paths, after = list[str](), None
        while True:
            given = {"limit": 3} | ({"after": after} if after else {})
            page = document(await client.call_tool("list_videos", given))
            paths += [Path(video["path"]).name for video in page["videos"]]
            after = page["next"]
            if after is None:
                break
        assert paths == ["red.mp4", "red_then_blue.mp4", "blue.mkv", "green.mp4"]
        long = document(await client.call_tool("list_videos", {"min_seconds": 10}))
        assert (long["total"], long["videos"][0]["duration_seconds"]) == (1, 12.0)
        status = document(await client.call_tool("status"))
        assert (status["videos"], status["failed"], status["failed_total"]) == (4, [], 0)

    ask(made, tmp_path, asked)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("search", {}, "`query`: field required"),
    ("search", {"query": ""}, "`query`: string should have at least 1 character"),
    ("search", {"query": "a" * 3000}, "at most 2000"),
    ("search", {"query": "a", "top": 0}, "`top`: input should be greater than or equal to 1"),
    ("search", {"query": "a", "top": 10**9}, "`top`: input should be less than or equal to 100"),
    ("search", {"query": "a", "tpo": 5}, "`tpo` is not an argument: did you mean `top`?"),
    ("search", {"query": "a", "zebra": 5}, "the tool takes path"),
    ("search", {"query": "a", "by": "frame"}, "'moment' or 'video'"),
    ("search", {"query": "a", "min_seconds": 9, "max_seconds": 5}, "`max_seconds` is below"),
    ("search", {"query": "a", "newer": "soon"}, "`newer` soon: neither a date"),
    ("search", {"query": "a", "by": "video", "per_video": 2}, "`per_video` counts moments"),
    ("search", {"query": "a", "path": "\0"}, "`path` holds a NUL character"),
    ("search", {"query": "red +"}, "add a term, or omit it"),
    ("search", {"query": "/etc/passwd.mp4"}, "is not an indexed video"),
    ("status", {"x": 1}, "the tool takes none"),
    ("similar", {"video": "/etc/passwd"}, "is not an indexed video"),
    ("similar", {"video": "red.mp4", "start_seconds": 3, "end_seconds": 1}, "is not after"),
    ("similar", {"video": "red.mp4", "start_seconds": 50}, "ends"),
    ("list_videos", {"after": "%%"}, "take `next`"),
    ("cut_clip", {"video": "red.mp4", "start_seconds": 3, "end_seconds": 3}, "not 0"),
    ("cut_clip", {"video": "red.mp4", "start_seconds": 0, "end_seconds": 900}, "not 900"),
    (
        "cut_clip",
        {"video": "red.mp4", "start_seconds": -1, "end_seconds": 3},
        "`start_seconds`: input should be",
    ),
    ("cut_clip", {"video": "red.mp4", "start_seconds": 4, "end_seconds": 6}, "ends after 4.000 seconds"),
    ("cut_clip", {"video": "/etc/passwd", "start_seconds": 0, "end_seconds": 1}, "is not an indexed video"),
    (
        "cut_clip",
        {"video": "999-00000000", "start_seconds": 0, "end_seconds": 1},
        "not in the index any more",
    ),
    ("show_frame", {"video": "red.mp4", "seconds": 4}, "ends after 4.000 seconds"),
    ("show_frame", {"video": "red.mp4", "seconds": "nan"}, "finite number"),
    ("show_frame", {"video": "red.mp4", "seconds": "inf"}, "finite number"),
    ("show_frame", {"video": "../red.mp4", "seconds": 1}, "is not an indexed video"),
    ("nothing", {}, "there is no tool nothing: use search, similar"),
]


def test_what_makes_no_sense_is_an_error_in_one_line(made: Library, tmp_path: Path) -> None:
    async def asked(client: Client) -> None:
        for tool, given, words in WRONG:
            text = problem(await client.call_tool(tool, given))
            assert words in text, (tool, given, text)
        assert not list(tmp_path.iterdir())

    ask(made, tmp_path, asked)


@pytest.fixture
def own(tmp_path: Path) -> Library:
    """A library of one test."""
    return empty_library(tmp_path)


def test_changes_of_the_index_are_seen_at_once(own: Library, tmp_path: Path) -> None:
    async def asked(client: Client) -> None:
        assert "vifi index" in problem(await client.call_tool("search", {"query": "red"}))
        made = solid_colour_clip(own.videos / "one.mp4", [("red", 2.0)])
        own.update()
        names = [hit["path"] for hit in document(await client.call_tool("search", {"query": "red"}))["hits"]]
        assert names == [str(made)]
        (made.parent / "two.mp4").write_bytes(
            solid_colour_clip(tmp_path / "b.mp4", [("blue", 2.0)]).read_bytes()
        )
        own.update()
        found = document(await client.call_tool("search", {"query": "blue", "top": 1}))["hits"]
        assert Path(found[0]["path"]).name == "two.mp4"
        made.unlink()
        for tool, given in (
            ("show_frame", {"seconds": 1}),
            ("cut_clip", {"start_seconds": 0, "end_seconds": 1}),
        ):
            assert "Is its disk plugged in?" in problem(
                await client.call_tool(tool, {"video": "one.mp4"} | given)
            )

    ask(own, tmp_path / "clips", asked)


def test_a_clip_that_cannot_be_cut_leaves_nothing_and_the_server_goes_on(
    own: Library, tmp_path: Path
) -> None:
    async def asked(client: Client) -> None:
        video = solid_colour_clip(own.videos / "one.mp4", [("red", 2.0)])
        own.update()
        video.write_bytes(b"no video any more")
        assert problem(
            await client.call_tool("cut_clip", {"video": "one.mp4", "start_seconds": 0, "end_seconds": 1})
        )
        assert list((tmp_path / "clips").iterdir()) == []
        assert document(await client.call_tool("status"))["videos"] == 1

    ask(own, tmp_path / "clips", asked)


def test_a_video_whose_name_is_not_text_is_named_by_its_key(own: Library, tmp_path: Path) -> None:
    async def asked(client: Client) -> None:
        os.replace(solid_colour_clip(own.videos / "a.mp4", [("red", 2.0)]), own.videos / "b\udcff.mp4")  # noqa: PTH105
        own.update()
        (video,) = document(await client.call_tool("list_videos"))["videos"]
        assert video["path"] == str(own.videos / "b\N{REPLACEMENT CHARACTER}.mp4")
        shown = await client.call_tool("show_frame", {"video": video["key"], "seconds": 1})
        assert document(shown)["key"] == video["key"]

    ask(own, tmp_path / "clips", asked)
