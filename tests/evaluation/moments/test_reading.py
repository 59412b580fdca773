"""Query files: a table of your own and the annotations of four sets, recognized by their content."""

import json
from pathlib import Path

import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.moments.queries import MomentQueries, MomentQuery
from vifi_cli.evaluation.moments.reading import read_moment_queries
from vifi_cli.video.moment import TimeRange

QV = {
    "qid": 2579,
    "query": "A girl and her mother cook.",
    "duration": 150,
    "vid": "NUsG9BgSes0_210.0_360.0",
    "relevant_windows": [[82, 150], [0, 2]],
    "relevant_clip_ids": [41, 42],
    "saliency_scores": [[1, 2, 3], [2, 2, 2]],
}


def read(folder: Path, text: str, name: str = "queries") -> MomentQueries:
    path = folder / name
    path.write_bytes(text.encode())
    return read_moment_queries(path)


def asked(file: MomentQueries) -> list[tuple[int | str, str, str, list[tuple[float, float]]]]:
    return [
        (
            each.number,
            each.text,
            each.video,
            [(part.start_seconds, part.end_seconds) for part in each.windows],
        )
        for each in file.queries
    ]


def test_rows_with_the_same_file_and_query_are_one_query_with_several_windows(tmp_path: Path) -> None:
    text = (
        "\ufefffile,query,start,end\r\na.mp4,a dog,0:12,0:15.5\r\nb.mp4,a dog,1,2\r\na.mp4,a  dog,30,40\r\n"
    )
    file = read(tmp_path, text)
    assert asked(file) == [
        (1, "a dog", "a.mp4", [(12, 15.5), (30, 40)]),
        (2, "a dog", "b.mp4", [(1, 2)]),
    ]
    assert (file.source, file.queries[1].where) == ("table", f"{tmp_path / 'queries'}, line 3")


@pytest.mark.parametrize(
    "text",
    [
        "video;caption;start_time;end_time;person\na.mp4;a dog;1,5;2;x\n",
        "sentence\tend\tbegin\tPath\na dog\t2\t1.5\ta.mp4\n",
        '{"vid": "a.mp4", "query": "a dog", "start": 1.5, "end": "0:02"}\n',
        '[{"file": "a.mp4", "caption": "a dog", "start": 1.5, "end": 2, "more": null}]',
    ],
)
def test_tables_of_other_programs_are_read(tmp_path: Path, text: str) -> None:
    assert asked(read(tmp_path, text)) == [(1, "a dog", "a.mp4", [(1.5, 2)])]


def test_qvhighlights(tmp_path: Path) -> None:
    file = read(
        tmp_path, json.dumps(QV) + "\n" + json.dumps(QV | {"qid": 3, "relevant_windows": [[4, 4], [2, 4]]})
    )
    assert file.source == "QVHighlights"
    assert asked(file) == [
        (2579, "A girl and her mother cook.", "NUsG9BgSes0_210.0_360.0", [(82, 150), (0, 2)]),
        (3, "A girl and her mother cook.", "NUsG9BgSes0_210.0_360.0", [(2, 4)]),
    ]
    assert file.without_length == (f"{tmp_path / 'queries'}, line 2, [4, 4]",)


def test_each_line_of_charades_sta_is_a_query(tmp_path: Path) -> None:
    text = (
        "3MSZA 24.3 30.4##person turn a light on.\n3MSZA 0.0 3.1##person turn a light on.\nX 5 5##nothing.\n"
    )
    file = read(tmp_path, text)
    assert file.source == "Charades-STA"
    assert asked(file) == [
        (1, "person turn a light on.", "3MSZA", [(24.3, 30.4)]),
        (2, "person turn a light on.", "3MSZA", [(0, 3.1)]),
    ]
    assert len(file.without_length) == 1


@pytest.mark.parametrize("indent", [None, 1])
def test_each_sentence_of_activitynet_captions_is_a_query(tmp_path: Path, indent: int | None) -> None:
    content = {
        "v_uqiMw7tQ1Cc": {
            "duration": 55.15,
            "timestamps": [[0.28, 55.15], [13.79, 54.32], [20, 10]],
            "sentences": ["A weight lifting tutorial.", " The coach lifts.", "nothing"],
        }
    }
    file = read(tmp_path, json.dumps(content, indent=indent))
    assert file.source == "ActivityNet Captions"
    assert asked(file) == [
        (1, "A weight lifting tutorial.", "v_uqiMw7tQ1Cc", [(0.28, 55.15)]),
        (2, "The coach lifts.", "v_uqiMw7tQ1Cc", [(13.79, 54.32)]),
    ]
    assert file.without_length == (f"{tmp_path / 'queries'}, v_uqiMw7tQ1Cc, sentence 3, [20, 10]",)


def test_didemo_keeps_every_annotator(tmp_path: Path) -> None:
    entry = {
        "annotation_id": 7,
        "video": "54322086@N00_2408598493_274c77d26a.avi",
        "description": "the baby falls",
        "times": [[0, 0], [0, 1], [0, 0], [5, 5]],
        "num_segments": 6,
        "dl_link": "https://example.org",
    }
    file = read(tmp_path, json.dumps([entry, entry | {"num_segments": 5, "times": [[1, 4]]}]))
    assert file.source == "DiDeMo"
    windows = (TimeRange(0, 5), TimeRange(0, 10), TimeRange(0, 5), TimeRange(25, 30))
    where = f"{tmp_path / 'queries'}, entry 1"
    assert file.queries[0] == MomentQuery(7, "the baby falls", entry["video"], windows, where, 6)  # type: ignore[arg-type]
    assert [query.segments for query in file.queries] == [6, 5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no column 'file'; write file,query,start,end in the first line"),
        ("file,query,start\na,b,1\n", "has no column 'end'"),
        ("file,query,caption,start,end\n", "has no query with a true window"),
        ("file,sentence,caption,start,end\n", "sentence and caption may both be the query"),
        ("file,query,start,end\na.mp4,a dog,,3\n", "line 2 has no start"),
        ("file,query,start,end\na.mp4,a dog,5,3\n", "line 2: the end, 3, is not after the start, 5"),
        ("file,query,start,end\na.mp4,a dog,nan,3\n", "line 2: start 'nan' is not a time"),
        ("file,query,start,end\na.mp4,a dog,-1,3\n", "line 2: start '-1' is not a time"),
        ('{"file": "a.mp4", "query": "a", "start": NaN, "end": 3}\n', "line 1: start 'nan' is not a time"),
        ('{"file": "a.mp4", "query": "", "start": 1, "end": 3}\n', "line 1 has no query"),
        (json.dumps(QV) + "\n{", "line 2 is not JSON"),
        (json.dumps(QV) + "\n" + json.dumps(QV), "line 2: qid 2579 is missing or twice"),
        (
            json.dumps({key: QV[key] for key in ("qid", "query", "vid")}),
            "has no relevant_windows, as in the test split",
        ),
        (
            json.dumps(QV | {"relevant_windows": []}),
            "line 1 has no true window: add one, or delete the query",
        ),
        (json.dumps(QV | {"relevant_windows": [[0, float("nan")]]}), "[0, nan] is not a window"),
        (json.dumps(QV | {"relevant_windows": [["0:12", 20]]}), "['0:12', 20] is not a window"),
        (
            json.dumps(QV | {"relevant_windows": [[4, 2]]}),
            "true window: all of them end before they begin",
        ),
        (json.dumps(QV | {"query": " "}), "line 1 has no query"),
        ("3MSZA 24.3##person turns.\n", "line 1 is not `VIDEO START END##SENTENCE`"),
        ("3MSZA 0:24 0:30##person turns.\n", "line 1 is not `VIDEO START END##SENTENCE`"),
        ("3MSZA nan 30##person turns.\n", "[nan, 30.0] is not a window"),
        ('{"v_x": {"timestamps": [[0, 1]], "sentences": []}}', "v_x has 1 timestamps for 0 sentences"),
        ('{"v_x": {"timestamps": [[0, 1]], "sentences": [3]}}', "v_x, sentence 1 has no text"),
        (
            '[{"video": "x", "description": "d", "times": [[0, 6]]}]',
            "[0, 6] is not a first and a last segment",
        ),
        ('[{"video": "x", "description": "d", "times": []}]', "entry 1 has no times"),
        ('{"a": [1', "is not JSON"),
        ("[1]", "entry 1 is not an object"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read(tmp_path, text)
    assert said in str(error.value)
    assert str(tmp_path / "queries") in str(error.value)
    assert "\n" not in str(error.value)


def test_splits_that_share_videos_are_remarked(tmp_path: Path) -> None:
    rows = [
        "file,query,start,end,split",
        "a.mp4,a dog,0,1,val",
        "a.mp4,a cat,0,1,test",
        "b.mp4,a cat,0,1,test",
    ]
    alone, shared = read(tmp_path, "\n".join(rows)).remarks
    assert alone.startswith("The rows of all splits are tested: val, test.")
    assert shared.startswith("1 video in several splits, such as a.mp4 in val and test")
    assert read(tmp_path, "\n".join([rows[0], *rows[2:]])).remarks == ()
