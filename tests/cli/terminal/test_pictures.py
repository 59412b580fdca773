"""Pictures on terminals: what is drawn is read back from the escape sequences and compared."""

import io
import os
import pty
import re
import sys
import threading
from base64 import b64decode

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from rich.console import Console
from rich.text import Text

from vifi_cli.cli.terminal.pictures import choice
from vifi_cli.cli.terminal.pictures.choice import Kind, kind_by_name, pictures_of_terminal
from vifi_cli.cli.terminal.pictures.layout import PictureList
from vifi_cli.cli.terminal.pictures.sixel import sixels

Pixels = npt.NDArray[np.uint8]
ROWS, COLUMNS = 6, 16  # of the picture below in cells of 10 x 20 pixels


@pytest.fixture
def picture() -> Image.Image:
    """4:3, red on the upper left, green, blue and white, with a soft change of brightness."""
    pixels = np.zeros((120, 160, 3), np.uint8)
    ramp = np.linspace(120, 250, 160).astype(np.uint8)
    pixels[:60, :80, 0] = ramp[:80]
    pixels[:60, 80:, 1] = ramp[80:]
    pixels[60:, :80, 2] = ramp[:80]
    pixels[60:, 80:] = ramp[80:, None]
    return Image.fromarray(pixels)


def written(
    kind: Kind, picture: Image.Image | None, capsys: pytest.CaptureFixture[str], **console: object
) -> str:
    options = {"width": 100, "force_terminal": True, "color_system": "truecolor"} | console
    shown = PictureList(kind, Console(**options))  # type: ignore[arg-type]
    shown.show(picture, [Text("1  0:05"), Text("clip.mp4")])
    return capsys.readouterr().out


def sixel_pixels(sequence: str) -> Pixels:
    """What a terminal draws: all of the picture, or it fails."""
    body = re.fullmatch(r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\', sequence, re.DOTALL)
    assert body
    width, height = int(body[1]), int(body[2])
    drawn = np.full((height + 6, width, 3), -1, np.int16)
    colors: dict[int, tuple[int, ...]] = {}
    color, row, column = 0, 0, 0
    for token in re.finditer(r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)(.)|([?-~])|([$-])", body[3]):
        if token[1]:
            colors[int(token[1])] = tuple(round(int(token[n]) * 2.55) for n in (2, 3, 4))
        elif token[5]:
            color = int(token[5])
        elif token[9]:
            row, column = (row + 6 if token[9] == "-" else row), 0
        else:
            count, bits = (int(token[6]), token[7]) if token[6] else (1, token[8])
            for bit in range(6):
                if (ord(bits) - 63) >> bit & 1:
                    drawn[row + bit, column : column + count] = colors[color]
            column += count
    assert (drawn[:height] >= 0).all(), "no pixel is left out"
    assert (drawn[height:] == -1).all(), "and none is below the picture"
    return drawn[:height].astype(np.uint8)


def difference(one: Pixels, other: Image.Image) -> float:
    wanted = np.asarray(other.convert("RGB").resize((one.shape[1], one.shape[0])), np.float32)
    return float(np.abs(one.astype(np.float32) - wanted).mean())


@pytest.mark.parametrize("height", [120, 121, 6, 1])
def test_sixels_are_the_picture(picture: Image.Image, height: int) -> None:
    shown = picture.resize((160, height))
    assert difference(sixel_pixels(sixels(shown)), shown) < 4


def test_sixels_fill_the_cells(picture: Image.Image, capsys: pytest.CaptureFixture[str]) -> None:
    text = written("sixel", picture, capsys)
    drawn = sixel_pixels(text[text.index("\x1bP") : text.index("\x1b\\") + 2])
    assert drawn.shape == (ROWS * 20, COLUMNS * 10, 3)
    assert difference(drawn, picture) < 4


def test_kitty_gets_the_picture_in_pieces(picture: Image.Image, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    for shown in (picture, Image.fromarray(noise)):
        text = written("kitty", shown, capsys)
        pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
        assert pieces[0][0].startswith(f"a=T,f=100,q=2,C=1,c={COLUMNS},r={ROWS},m=")
        assert [keys[-3:] for keys, _ in pieces] == ["m=1"] * (len(pieces) - 1) + ["m=0"]
        assert max(len(content) for _, content in pieces) <= 4096
        png = b64decode("".join(content for _, content in pieces))
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), np.asarray(shown))
    assert len(pieces) > 10


def test_iterm2_gets_the_picture_as_a_file(picture: Image.Image, capsys: pytest.CaptureFixture[str]) -> None:
    text = written("iterm2", picture, capsys)
    found = re.search(
        r"\x1b]1337;File=inline=1;width=(\d+);height=(\d+);preserveAspectRatio=0:(.*)\x07", text
    )
    assert found
    assert (int(found[1]), int(found[2])) == (COLUMNS, ROWS)
    assert difference(np.asarray(Image.open(io.BytesIO(b64decode(found[3])))), picture) < 4


@pytest.mark.parametrize("kind", ["kitty", "iterm2", "sixel"])
def test_room_is_made_before_a_picture_is_drawn(
    kind: Kind, picture: Image.Image, capsys: pytest.CaptureFixture[str]
) -> None:
    text = written(kind, picture, capsys)
    assert text.startswith("\n" * ROWS + f"\x1b[{ROWS}A\x1b7")
    below = text[text.index("\x1b8") + 2 :]
    assert below == "\n\n\x1b[25G1  0:05\n\x1b[25Gclip.mp4\n\n\n\n"


def test_elsewhere_blocks_have_two_pixels_each(
    picture: Image.Image, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = written("blocks", picture, capsys).splitlines()
    assert [Text.from_ansi(line).plain[:COLUMNS] for line in lines[:ROWS]] == ["▀" * COLUMNS] * ROWS
    assert Text.from_ansi(lines[3]).plain[24:] == "clip.mp4"
    cells = [
        re.findall(r"38;2;(\d+);(\d+);(\d+)[;m\x1b\[]*48;2;(\d+);(\d+);(\d+)m", line) for line in lines[:ROWS]
    ]
    numbers = np.array(cells, np.uint8).reshape(ROWS, COLUMNS, 2, 3)
    drawn = numbers.transpose(0, 2, 1, 3).reshape(2 * ROWS, COLUMNS, 3)
    assert difference(drawn, picture) < 12


def test_without_colors_shades_stand_for_the_picture(
    picture: Image.Image, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = written("blocks", picture, capsys, no_color=True).splitlines()
    assert "\x1b" not in "".join(lines)
    assert lines[0][0] < "~"
    assert set(lines[5][8:16]) <= set("#%@"), "white is bright"
    assert set(lines[5][:8]) <= set(" .:"), "blue is dark"


def test_a_frame_that_cannot_be_read_and_a_dumb_terminal_leave_the_text(
    picture: Image.Image, capsys: pytest.CaptureFixture[str]
) -> None:
    text = written("kitty", None, capsys)
    assert [line.rstrip() for line in Text.from_ansi(text).plain.splitlines()] == [
        "no picture              1  0:05",
        "                        clip.mp4",
        "",
    ]
    assert written("none", picture, capsys, color_system=None).splitlines() == ["1  0:05", "clip.mp4", ""]
    narrow = written("blocks", picture, capsys, width=30)
    assert max(Text.from_ansi(line).cell_len for line in narrow.splitlines()) <= 30


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2", "SSH_TTY": "/dev/pts/1"}, "iterm2"),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "xterm-256color", "TMUX": "/tmp/tmux", "LC_TERMINAL": "iTerm2"}, None),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "dumb", "LC_TERMINAL": "iTerm2"}, "none"),
    ],
)
def test_terminals_are_known_by_their_variables(environment: dict[str, str], kind: Kind | None) -> None:
    assert kind_by_name(environment) == kind


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
@pytest.mark.parametrize(
    ("answer", "kind"),
    [(b"\x1b[?62;4;22c", "sixel"), (b"\x1b[?64;1;2c", "blocks"), (b"\x1b[?65;14c", "blocks")],
)
def test_other_terminals_are_asked(answer: bytes, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMUX", "KITTY_WINDOW_ID", "TERM_PROGRAM", "LC_TERMINAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(choice, "ANSWER_SECONDS", 60.0)
    outer, inner = pty.openpty()

    def reply() -> None:
        asked = b""
        while not asked.endswith(b"\x1b[c"):
            asked += os.read(outer, 100)
        os.write(outer, answer)

    terminal = threading.Thread(target=reply)
    terminal.start()
    with open(inner, closefd=False) as keys, open(inner, "w", closefd=False) as screen:
        monkeypatch.setattr("sys.stdin", keys)
        monkeypatch.setattr("sys.stdout", screen)
        assert pictures_of_terminal() == kind
        monkeypatch.undo()
    terminal.join()
    os.close(outer)
    os.close(inner)
