"""Settings: which source wins, what is refused, and what a message names."""

import os
from pathlib import Path

import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.paths import config_file
from vifi_cli.settings.settings import (
    Settings,
    every_setting,
    load_settings,
    own_player,
    setting_of,
    value_from_words,
)


def written(text: str) -> Path:
    file = config_file()
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_every_setting_has_its_default() -> None:
    assert load_settings() == Settings(
        model=None, device="auto", exclude=(), data_root=None, player=None, top=10, colors="auto"
    )
    assert {setting.source for setting in every_setting()} == {"default"}


def test_the_file_is_read_with_its_types() -> None:
    written(
        'model = "starter"\ndevice = "cpu"\nexclude = ["proxies", "*.bak.mp4"]\ndata_root = "~/sets"\n'
        'player = "mpv"\ntop = 0\ncolors = "never"\n'
    )
    assert load_settings() == Settings(
        model="starter",
        device="cpu",
        exclude=("proxies", "*.bak.mp4"),
        data_root=Path.home() / "sets",
        player="mpv",
        top=0,
        colors="never",
    )


def test_a_variable_wins_over_the_file_and_an_empty_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    file = written('top = 5\nexclude = ["a"]\ndevice = "cpu"\n')
    monkeypatch.setenv("VIFI_TOP", "7")
    monkeypatch.setenv("VIFI_EXCLUDE", f"old clips{os.pathsep}b")
    monkeypatch.setenv("VIFI_DEVICE", "")
    found = load_settings()
    assert (found.top, found.exclude, found.device) == (7, ("old clips", "b"), "cpu")
    top, device, model = (setting_of(key) for key in ("top", "device", "model"))
    assert (top.source, top.place) == ("environment", "VIFI_TOP")
    assert (device.source, device.place) == ("file", str(file))
    assert (model.source, model.place) == ("default", "")


def test_the_earlier_variable_of_the_data_root_counts_unless_the_present_one_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VIFI_DATA", "/old")
    assert setting_of("data_root").place == "VIFI_DATA"
    monkeypatch.setenv("VIFI_DATA_ROOT", "/new")
    assert load_settings().data_root == Path("/new")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('# mine\nmodle = "starter"\n', "line 2: there is no setting 'modle'; did you mean model?"),
        ('colours = "never"\n', "line 1: there is no setting 'colours'; did you mean colors?"),
        ('data-root = "/"\n', "line 1: there is no setting 'data-root'; did you mean data_root?"),
        ("\n[index]\nfps = 2\n", "line 2: there is no setting 'index'; the settings are model, device,"),
        ("zzz.y = 1\n", "line 1: there is no setting 'zzz'; the settings are model, device,"),
        ('top = "many"\n', "line 1: top should be a whole number from 0 (all) on, not 'many'"),
        ("top = -1\n", "line 1: top should be a whole number from 0 (all) on, not -1"),
        ("frame_rate = 0\n", "line 1: frame_rate should be pictures a second, such as 25 or 29.97, not 0"),
        ("frame_rate = true\n", "line 1: frame_rate should be pictures a second"),
        ('frame_folders = "yes"\n', "line 1: frame_folders should be true or false, not 'yes'"),
        ("top = true\n", "line 1: top should be a whole number from 0 (all) on, not true"),
        ('device = "gpu"\n', "line 1: device should be auto, cuda, mps or cpu, not 'gpu'"),
        ('exclude = "proxies"\n', "line 1: exclude should be a list of globs"),
        ('views = "4x2"\n', "line 1: views should be views such as 4x3, or supervised=4x3"),
        ('views = "4x3 1x1"\n', "line 1: views should be views"),
        ('views = "retrieval=4x3"\n', "line 1: views should be views"),
        ('data_root = "sets"\n', "line 1: data_root should be a folder from / or ~ on, not 'sets'"),
        ('model = ""\n', "line 1: model should be a text, not ''"),
        ("model = 1979-05-27\n", "line 1: model should be a text, not 1979-05-27"),
        ('top = 3\ntop "x"\n', "is not valid TOML: Expected '=' after a key"),
    ],
)
def test_what_a_file_holds_wrongly_is_named_with_file_and_line(text: str, message: str) -> None:
    file = written(text)
    with pytest.raises(InvalidInput) as refused:
        load_settings()
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(file))


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIFI_TOP", "1e3")
    with pytest.raises(InvalidInput, match=r"VIFI_TOP should be a whole number from 0 \(all\) on, not '1e3'"):
        load_settings()


def test_a_file_that_cannot_be_read_is_named() -> None:
    config_file().mkdir()
    with pytest.raises(InvalidInput, match=r"config\.toml cannot be read \(Is a directory\)"):
        load_settings()
    config_file().rmdir()
    config_file().write_bytes(b'model = "\xff"')
    with pytest.raises(InvalidInput, match=r"config\.toml is not UTF-8 text: save it as UTF-8"):
        load_settings()


def test_a_mark_before_the_text_does_not_matter() -> None:
    config_file().write_bytes(b"\xef\xbb\xbftop = 3\r\n")
    assert load_settings().top == 3


def test_words_become_values_of_the_file() -> None:
    assert value_from_words("top", ["25"]) == 25
    assert value_from_words("exclude", ["proxies", "old clips"]) == ["proxies", "old clips"]
    assert value_from_words("data_root", ["sets"]) == str(Path.cwd() / "sets")
    with pytest.raises(InvalidInput, match="top should be a whole number from 0"):
        value_from_words("top", ["a few"])
    with pytest.raises(InvalidInput, match="player takes one value, not 2"):
        value_from_words("player", ["mpv", "--fs"])
    with pytest.raises(InvalidInput, match=r"there is no setting 'tpo'; did you mean top\?"):
        value_from_words("tpo", ["3"])


def test_a_player_that_others_could_have_set_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    file = written('player = "mpv"\n')
    file.chmod(0o600)
    assert own_player() == "mpv"
    file.chmod(0o620)
    with pytest.raises(
        InvalidInput, match="can be changed by others, and its player would run with your rights"
    ):
        own_player()
    assert load_settings().player == "mpv", "everything else works"
    monkeypatch.setenv("VIFI_PLAYER", "vlc")
    assert own_player() == "vlc"


def test_in_somebody_elses_data_folder_your_own_settings_apply(
    vifi_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("os.getuid", lambda: vifi_home.stat().st_uid + 1)
    assert config_file() == tmp_path / "vifi" / "config.toml"
    monkeypatch.setenv("VIFI_HOME", str(tmp_path / "to be made"))
    assert config_file() == tmp_path / "to be made" / "config.toml"


def test_the_file_is_in_the_data_folder_only_where_that_was_chosen(
    vifi_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config_file() == vifi_home / "config.toml"
    monkeypatch.delenv("VIFI_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_file() == tmp_path / "vifi" / "config.toml"
