from pathlib import Path

from tests.color_encoder import ColorEncoder
from tests.web.conftest import Library
from vifi_cli.index.records import IndexedWith
from vifi_cli.index.video_index import VideoIndex
from vifi_cli.web.question import Question
from vifi_cli.web.searching import Searcher


def test_what_a_search_needs_is_loaded_ahead_and_once(made_library: Library, tmp_path: Path) -> None:
    loaded: list[IndexedWith] = []

    def load(indexed_with: IndexedWith) -> ColorEncoder:
        loaded.append(indexed_with)
        return ColorEncoder()

    searcher = Searcher(load, tmp_path)
    with VideoIndex(made_library.index) as index:
        searcher.warm_up(index)
        assert len(loaded) == 1
        assert list(made_library.index.glob("calibration-*.json")), (
            "what relevance is measured by is there, too"
        )
        vectors = index.vectors
        assert searcher.search(index, Question(words="blue"))[0].relevance is not None
        assert searcher.search(index, Question(words="green"))
        assert index.vectors is vectors
    assert len(loaded) == 1
