"""Marks follow the content of videos: to other paths and names, but not to other content."""

from pathlib import Path

from tests.index.conftest import encoded_video
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.concepts.concept import Mark
from vifi_cli.index.concepts.marked import found_marks, marked_windows

RED, GREEN, BLUE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def mark(path: str, start: float, end: float, *, is_right: bool = True, content: str = "") -> Mark:
    return Mark(Path(path), start, end, is_right, content or path)


def test_marks_are_found_by_content_and_first_in_their_place(catalog: Catalog) -> None:
    for path, content in (
        ("/v/b.mp4", "same"),
        ("/v/a.mp4", "same"),
        ("/v/moved.mp4", "m"),
        ("/v/c.mp4", "new"),
    ):
        catalog.store(encoded_video(path, [RED, BLUE], content))
    marks = [
        mark("/v/b.mp4", 0, 1, content="same"),  # in its place
        mark("/gone/x.mp4", 0, 1, content="same"),  # the first of the copies
        mark("/v/old.mp4", 0, 1, content="m"),  # renamed
        mark("/v/c.mp4", 0, 1, content="old"),  # the file has other content now
    ]
    assert [(one.mark, str(one.video.path)) for one in found_marks(catalog, marks)] == [
        (marks[0], "/v/b.mp4"),
        (marks[1], "/v/a.mp4"),
        (marks[2], "/v/moved.mp4"),
    ]


def test_a_path_in_another_unicode_form_is_the_same_place(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED], "same"))
    catalog.store(encoded_video("/v/cafe\u0301.mp4", [RED], "same"))
    (one,) = found_marks(catalog, [mark("/v/café.mp4", 0, 1, content="same")])
    assert str(one.video.path) == "/v/cafe\u0301.mp4"


def test_a_video_without_fingerprint_is_known_by_its_path_alone(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED], ""))
    catalog.store(encoded_video("/v/b.mp4", [RED], ""))
    unknown = Mark(Path("/v/b.mp4"), 0, 1, is_right=True, fingerprint="")
    elsewhere = Mark(Path("/v/c.mp4"), 0, 1, is_right=True, fingerprint="")
    assert [str(one.video.path) for one in found_marks(catalog, [unknown, elsewhere])] == ["/v/b.mp4"]


def test_marked_moments_are_embedded_and_grouped_by_video(catalog: Catalog) -> None:
    catalog.store(encoded_video("/v/a.mp4", [RED, GREEN, BLUE], "/v/a.mp4"))
    catalog.store(encoded_video("/v/b.mp4", [BLUE], "/v/b.mp4"))
    marked = marked_windows(
        catalog,
        [
            mark("/v/a.mp4", 1, 2),
            mark("/v/b.mp4", 0, 1, is_right=False),
            mark("/v/a.mp4", 2, 3, is_right=False),
            mark("/v/absent.mp4", 0, 1),
        ],
    )
    assert marked.embeddings.tolist() == [list(GREEN), list(BLUE), list(BLUE)]
    assert marked.is_right.tolist() == [True, False, False]
    assert marked.groups[0] == marked.groups[2] != marked.groups[1]


def test_without_marks_there_is_nothing_to_learn_from(catalog: Catalog) -> None:
    assert marked_windows(catalog, []).embeddings.shape == (0, 3)
