"""`vifi demo`: the complete way from files to moments, on clips it makes itself, without a network."""

from __future__ import annotations

import shutil
import time

from vifi_cli import paths, wording
from vifi_cli.cli.library.index_report import show as show_report
from vifi_cli.cli.library.index_report import warn_of_problems
from vifi_cli.cli.search.options import HitOutput, VideoSelection
from vifi_cli.cli.search.result import Answer, show_answer
from vifi_cli.cli.search.search import open_session, why_none
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL


def demo() -> None:
    """Index and search ten clips made on the spot.

    It shows the complete tool in a minute, without a network.
    """
    from vifi_cli.api.library.demo import CLIPS, QUERIES, make_clips
    from vifi_cli.api.library.indexing import index_videos
    from vifi_cli.index.search.query import query_in_words
    from vifi_cli.index.search.ranking import RankingOptions

    home = paths.demo_folder()
    for name in paths.INDEX_FOLDERS:  # and nothing else, such as clips that were cut there
        shutil.rmtree(home / name, ignore_errors=True)
    started = time.perf_counter()
    make_clips(home / "clips", ON_TERMINAL)
    output.note(f"made {len(CLIPS)} clips in {home / 'clips'}")

    output.line(f"$ vifi index {wording.as_argument(home / 'clips')} --model starter")
    report = index_videos(home / "clips", model="starter", folder=home / "index", feedback=ON_TERMINAL)
    warn_of_problems(report)
    show_report(report)
    with open_session(home / "index") as session:
        for query in QUERIES:
            output.line("")
            output.line(f'$ vifi search --top 3 "{query}"')
            found = session.find(query_in_words(query), RankingOptions(top=3))
            why = why_none(session, found, VideoSelection())
            show_answer(Answer(query, "starter", found, None, output.stdout_is_terminal(), why), HitOutput())
    output.note(f"done in {time.perf_counter() - started:.0f} s; ask it yourself:")
    is_searched = paths.searched_index_folder() == home / "index"
    output.note(("" if is_searched else f'VIFI_HOME="{home}" ') + 'vifi search "something to drink"')
