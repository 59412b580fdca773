"""Serves the tools over stdin and stdout, which belong to the protocol alone, until the client leaves."""

import asyncio
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import anyio
import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

from vifi_cli import __version__, stop_signals
from vifi_cli.mcp_server import answers
from vifi_cli.mcp_server.answers import problem, words_for
from vifi_cli.mcp_server.arguments import (
    Arguments,
    CutClip,
    ListVideos,
    NoArguments,
    Search,
    ShowFrame,
    Similar,
    Teach,
    read_arguments,
    schema_of,
)
from vifi_cli.mcp_server.tools import Tools

CLEANUP_SECONDS = 2.0
INSTRUCTIONS = (
    "vifi finds moments in the user's own videos, on this machine, by what is to be seen in them. Start with search; "
    "times are seconds from the start of a video. Look at an unsure hit with show_frame before you rely on it. "
    "Name a video by the path or the key in an answer. If a video is missing, the user has to run `vifi index FOLDER`."
)
LOOKS = types.ToolAnnotations(read_only_hint=True, open_world_hint=False)
ADDS = types.ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool, and how it is described to a language model."""

    tool: types.Tool
    arguments: type[Arguments]
    call: Callable[[Any], Awaitable[types.CallToolResult]]  # takes `arguments`


def offered_tools(tools: Tools) -> dict[str, OfferedTool]:
    """All tools by name."""
    offered = [
        _offer(
            "search",
            "Find moments in the indexed videos that match a description of what is to be seen. Returns hits, best "
            "first, with path, start and end in seconds, and relevance. Empty hits mean that nothing matches.",
            (Search, answers.HITS_SCHEMA, tools.search),
        ),
        _offer(
            "similar",
            "Find moments that look like an indexed video or a part of one, such as an earlier hit. The example itself "
            "is left out.",
            (Similar, answers.HITS_SCHEMA, tools.similar),
        ),
        _offer(
            "teach",
            "Teach a concept that words describe badly, by moments that show it and moments that do not. Ask the user, "
            "or look with show_frame. Returns what is known now, and the moments to mark next: repeat with these until "
            "it is sure. Then search for @NAME.",
            (Teach, answers.TAUGHT_SCHEMA, tools.teach),
            ADDS,
        ),
        _offer(
            "status",
            "Show what is indexed: folders, number and total length of videos, the model, the names of the concepts "
            "that were taught, and files that could not be read.",
            (NoArguments, answers.STATUS_SCHEMA, tools.status),
        ),
        _offer(
            "list_videos",
            "List the indexed videos in the order of their paths, with length in seconds, size in pixels and date. "
            "To find videos by content, use search.",
            (ListVideos, answers.VIDEOS_SCHEMA, tools.list_videos),
        ),
        _offer(
            "cut_clip",
            "Write a part of an indexed video to a new MP4 file in the user's folder for clips. Returns the path of "
            "the clip. Never replaces a file.",
            (CutClip, answers.CLIP_SCHEMA, tools.cut_clip),
            ADDS,
        ),
        _offer(
            "show_frame",
            "Look at one frame of an indexed video. Returns a picture.",
            (ShowFrame, answers.FRAME_SCHEMA, tools.show_frame),
        ),
    ]
    return {each.tool.name: each for each in offered}


def _offer(
    name: str,
    description: str,
    parts: tuple[type[Arguments], dict[str, Any], Callable[[Any], Awaitable[types.CallToolResult]]],
    annotations: types.ToolAnnotations = LOOKS,
) -> OfferedTool:
    arguments, output_schema, call = parts
    tool = types.Tool(
        name=name,
        description=description,
        input_schema=schema_of(arguments),
        output_schema=output_schema,
        annotations=annotations,
    )
    return OfferedTool(tool, arguments, call)


class RunningCalls:
    """The calls of tools that are being answered."""

    def __init__(self) -> None:
        self._scopes: set[anyio.CancelScope] = set()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Counts a call, which may be canceled."""
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.discard(scope)

    async def cancel_all(self) -> None:
        """Breaks all calls off, and waits a moment until they have removed what they leave unfinished."""
        for scope in self._scopes:
            scope.cancel()
        with anyio.move_on_after(CLEANUP_SECONDS):
            while self._scopes:
                await anyio.sleep(0.01)


def make_server(tools: Tools, calls: RunningCalls) -> Server[Any]:
    """The server of the tools, to be connected to a client."""
    offered = offered_tools(tools)

    async def list_tools(
        _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[each.tool for each in offered.values()])

    async def call_tool(
        _: ServerRequestContext[Any], call: types.CallToolRequestParams
    ) -> types.CallToolResult:
        wanted = offered.get(call.name)
        if wanted is None:
            return problem(f"there is no tool {call.name}: use {', '.join(offered)}")
        with calls.running():
            try:
                return await wanted.call(read_arguments(wanted.arguments, call.arguments or {}))
            except Exception as error:  # noqa: BLE001 - a tool that fails must not end the server
                if os.environ.get("VIFI_DEBUG"):
                    traceback.print_exc(file=sys.stderr)
                return problem(words_for(error))
        return problem("the server was stopped")

    return Server(
        "vifi",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def serve_stdio(tools: Tools, leave: Callable[[KeyboardInterrupt], NoReturn]) -> None:
    """Serves one client until it closes stdin, or until a stop signal, with which `leave` is called.

    It does not return then, since Python would wait for the thread that reads stdin.
    """
    asyncio.run(_serve(tools, leave))


async def _serve(tools: Tools, leave: Callable[[KeyboardInterrupt], NoReturn]) -> None:
    calls, loop = RunningCalls(), asyncio.get_running_loop()
    stopped, numbers = asyncio.Event(), list[int]()

    def stop(number: int) -> None:
        numbers.append(number)
        loop.call_soon_threadsafe(stopped.set)

    with stop_signals.handled_by(stop):
        serving = asyncio.create_task(_serve_client(make_server(tools, calls)))
        stopping = asyncio.create_task(stopped.wait())
        tasks: set[asyncio.Task[Any]] = {serving, stopping}
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if numbers:
            await calls.cancel_all()
            tools.close()
            leave(stop_signals.interruption(numbers[0]))
        stopping.cancel()
        await serving
    tools.close()


async def _serve_client(server: Server[Any]) -> None:
    try:
        async with stdio_server() as (incoming, outgoing):  # what else is written to stdout goes to stderr
            await server.run(incoming, outgoing, server.create_initialization_options())
    except* BrokenPipeError:
        pass  # the client left without closing stdin first
