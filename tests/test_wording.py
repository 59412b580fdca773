import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.wording import clock, duration, escaped, printable, scientific, unescaped

any_text = st.text(st.characters(exclude_categories=())) | st.binary().map(os.fsdecode)


@given(any_text)
def test_escapes_can_be_undone_and_leave_nothing_that_a_terminal_or_a_reader_of_lines_obeys(
    text: str,
) -> None:
    shown = escaped(text)
    assert unescaped(shown) == text
    assert len(f"{shown}|".splitlines()) == 1
    shown.encode("utf-8")
    for letter in shown:
        assert unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(letter) not in (
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/v/a clip, ünïcode 日本 👩‍👧.mp4", "/v/a clip, ünïcode 日本 👩‍👧.mp4"),
        ("Screen Recording at 3.00\u202fPM.mov", "Screen Recording at 3.00\u202fPM.mov"),
        ("a\tb\nc\rd\\e", r"a\tb\nc\rd\\e"),
        ("\x1b[31m\x07\x7f\x9b", r"\x1b[31m\x07\x7f\u009b"),
        ("evil\u202egpj.mp4", r"evil\u202egpj.mp4"),
        ("\u2028\u2066\u200e", r"\u2028\u2066\u200e"),
        (os.fsdecode(b"caf\xe9\x9b.mp4"), r"caf\xe9\x9b.mp4"),
    ],
)
def test_what_is_escaped(text: str, shown: str) -> None:
    assert escaped(text) == shown
    assert unescaped(shown) == text


@pytest.mark.parametrize("text", ["\\", "\\x", "\\xg0", "\\u12", "\\Uffffffff", "\\q"])
def test_what_is_no_escape_stays(text: str) -> None:
    assert unescaped(text) == text


def test_people_can_tell_names_apart_whose_bytes_are_not_text() -> None:
    assert printable(os.fsdecode(b"caf\xe9\n\\\x1b.mp4")) == r"caf\xe9\n\\x1b.mp4"
    assert printable("日本\u202e\ud800") == r"日本\u202e\ud800"


def test_durations() -> None:
    shown = {0.04: "0.0 s", 4.46: "4.5 s", 9.96: "10 s", 59.6: "1 min 0 s", 185: "3 min 5 s"}
    shown |= {3599.7: "1 h 0 min", 3725: "1 h 2 min", 51 * 3600: "2 d 3 h"}
    assert {seconds: duration(seconds) for seconds in shown} == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-4, "1e-4"), (2.2e-5, "2.2e-5"), (0.000125, "1.25e-4"), (0.02, "2e-2"), (0.0, "0"), (30, "3e1")],
)
def test_learning_rates_are_written_as_people_write_them(value: float, text: str) -> None:
    assert scientific(value) == text


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0:00"),
        (4.9999, "0:05"),
        (4.96, "0:04"),
        (59.99999, "1:00"),
        (3599.9999, "1:00:00"),
        (3723.5, "1:02:03"),
    ],
)
def test_a_time_is_not_a_second_early_for_the_sake_of_a_sum_of_frames(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
