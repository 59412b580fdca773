"""Changing the file of settings."""

from pathlib import Path

import pytest

from vifi_cli.api.settings import set_setting, unset_setting
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import config_file
from vifi_cli.settings.settings import load_settings


def test_a_file_keeps_its_comments_and_its_order() -> None:
    config_file().write_bytes(b'# mine\r\ntop = 5  # enough\r\n\r\n# no GPU here\r\ndevice = "cpu"\r\n')
    set_setting("top", ["20"])
    set_setting("exclude", ["proxies", "old clips"])
    assert config_file().read_bytes().replace(b"\r\n", b"\n") == (
        b'# mine\ntop = 20  # enough\n\n# no GPU here\ndevice = "cpu"\nexclude = ["proxies", "old clips"]\n'
    )
    assert unset_setting("top")
    assert load_settings().top == 10
    assert b"# no GPU here" in config_file().read_bytes()


def test_a_file_is_made_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIFI_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "a" / "b"))
    assert not unset_setting("top")
    assert not (tmp_path / "a").exists()
    set_setting("colors", ["never"])
    assert (tmp_path / "a" / "b" / "vifi" / "config.toml").read_text() == 'colors = "never"\n'


def test_a_link_to_the_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.toml"
    target.write_text("top = 1\n")
    config_file().symlink_to(target)
    set_setting("top", ["2"])
    assert config_file().is_symlink()
    assert target.read_text() == "top = 2\n"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("model", "./nowhere.pt", r"no model at .*nowhere.pt"),
        ("device", "cuda", r"this machine has no device 'cuda'; use --device cpu"),
        ("data_root", "nowhere", r"nowhere is not a folder: name the folder that holds the datasets"),
        ("player", "no-such-program", r"no-such-program"),
        ("top", "few", r"top should be a whole number from 0 \(all\) on, not 'few'"),
        ("colours", "never", r"there is no setting 'colours'; did you mean colors\?"),
    ],
)
def test_a_refused_value_changes_nothing(
    key: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    config_file().write_text("top = 1\n")
    with pytest.raises(InvalidInput, match=message):
        set_setting(key, [value])
    assert config_file().read_text() == "top = 1\n"


def test_mistakes_elsewhere_in_the_file_do_not_prevent_a_change() -> None:
    config_file().write_text('modle = "x"\ntop = "many"\n')
    set_setting("top", ["3"])
    assert unset_setting("modle")
    assert load_settings().top == 3


def test_a_folder_and_a_model_are_written_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sets").mkdir()
    (tmp_path / "mine.pt").touch()
    set_setting("data_root", ["sets"])
    set_setting("model", ["mine.pt"])
    assert load_settings().data_root == tmp_path / "sets"
    assert load_settings().model == str(tmp_path / "mine.pt")


def test_a_full_disk_loses_no_setting(full_disk: None) -> None:
    config_file().write_text("top = 1\n")
    with pytest.raises(OSError, match="File too large"):
        set_setting("exclude", ["x" * 200_000])
    assert config_file().read_text() == "top = 1\n"


def test_broken_toml_is_explained_as_when_it_is_read() -> None:
    config_file().write_text('top = 1\ndevice = "cpu\n')
    messages = []
    for use in (load_settings, lambda: set_setting("top", ["2"]), lambda: unset_setting("top")):
        with pytest.raises(InvalidInput, match="is not valid TOML") as caught:
            use()
        messages.append(str(caught.value))
    assert len(set(messages)) == 1
