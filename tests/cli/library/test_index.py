import io
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.lock import write_lock


@pytest.fixture
def folder(clips: Path, tmp_path: Path, starter: None) -> Path:
    copied = tmp_path / "videos"
    shutil.copytree(clips, copied)
    return copied


def test_the_document_of_a_run(vifi: Vifi, folder: Path) -> None:
    (folder / "bad.mp4").write_bytes(b"no video")
    outcome = vifi("index", folder, "--model", "starter", "--json")
    assert outcome.exit_code == 3, "some failed"
    document = json.loads(outcome.stdout)
    assert {name: document[name] for name in ("added", "changed", "moved", "unchanged", "removed")} == {
        "added": 4,
        "changed": 0,
        "moved": 0,
        "unchanged": 0,
        "removed": 0,
    }
    (failed,) = document["failed"]
    assert failed["path"] == str(folder / "bad.mp4")
    assert failed["reason"]
    assert document["video_seconds"] == pytest.approx(18.0, abs=0.5)
    assert document["wall_seconds"] > 0


def test_a_second_run_needs_no_arguments_and_no_encoder(vifi: Vifi, folder: Path) -> None:
    assert vifi("index", folder, "--model", "starter").exit_code == 0
    again = vifi("index", "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["unchanged"] == 4


def test_the_summary_names_what_failed_and_why(vifi: Vifi, folder: Path) -> None:
    (folder / "empty.mp4").touch()
    outcome = vifi("index", folder, "--model", "starter")
    assert outcome.exit_code == 3
    counts, speed = outcome.stdout.splitlines()
    assert counts == "4 videos added, 1 failed"
    assert re.fullmatch(r"0:18 of video in .* s, [\d.]+x real time \(loading the model .* s, .*\)", speed)
    assert f"not indexed: {folder / 'empty.mp4'}: " in outcome.stderr


def test_another_model_or_rate_is_refused_with_the_command_that_mends_it(vifi: Vifi, folder: Path) -> None:
    vifi("index", folder, "--model", "starter")
    outcome = vifi("index", folder, "--fps", 2)
    assert outcome.exit_code == 2
    assert "--rebuild --fps 2" in outcome.stderr
    assert vifi("index", folder, "--fps", 1).exit_code == 0


def test_a_rebuild_takes_the_place_of_the_old_index(vifi: Vifi, folder: Path, vifi_home: Path) -> None:
    vifi("index", folder, "--model", "starter")
    (folder / "pets.mp4").unlink()
    outcome = vifi("index", "--rebuild", "--fps", 2, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    assert json.loads(outcome.stdout)["added"] == 3
    status = json.loads(vifi("status", "--json").stdout)
    assert (status["videos"], status["frames_per_second"]) == (3, 2.0)
    assert [path.name for path in vifi_home.iterdir() if path.is_dir()] == ["cache", "index"] or {
        path.name for path in vifi_home.iterdir() if path.is_dir()
    } == {"cache", "index"}


def test_a_rebuild_without_an_unplugged_disk_is_refused(vifi: Vifi, folder: Path) -> None:
    vifi("index", folder, "--model", "starter")
    folder.rename(folder.with_name("elsewhere"))
    outcome = vifi("index", "--rebuild")
    assert outcome.exit_code == 2
    assert "would lose 4 videos that are out of reach" in outcome.stderr
    assert json.loads(vifi("status", "--json").stdout)["videos"] == 4


@pytest.mark.parametrize(
    ("arguments", "message", "exit_code"),
    [
        (["nowhere"], "nowhere", 2),
        ([], "name a folder", 2),
        (["empty"], "no videos under", 1),
    ],
)
def test_nothing_to_index(
    vifi: Vifi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
    exit_code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    outcome = vifi("index", *arguments)
    assert outcome.exit_code == exit_code
    assert message in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    assert outcome.stdout == ""


def test_folders_without_videos_are_named_and_no_success_alone(vifi: Vifi, folder: Path) -> None:
    empty, text = folder.with_name("empty"), folder.with_name("text")
    empty.mkdir()
    text.mkdir()
    (text / "a.txt").write_text("no video")
    first = vifi("index", text)
    assert (first.exit_code, first.stdout) == (1, "")
    assert first.stderr.splitlines() == [
        "skipped: 1 file that is not a video",
        f"error: no videos under {text}: name a folder with videos, or a file of any name",
    ]
    beside = vifi("index", folder, empty, "--model", "starter")
    assert (beside.exit_code, beside.stdout.splitlines()[0]) == (0, "4 videos added")
    assert f"warning: no videos under {empty}: " in beside.stderr
    again = vifi("index", empty, text)
    assert (again.exit_code, again.stdout) == (1, "")
    assert f"error: no videos under {empty}, {text}: " in again.stderr
    everything = vifi("index")
    assert (everything.exit_code, everything.stdout) == (0, "4 videos up to date\n")
    shutil.rmtree(folder)
    folder.mkdir()
    emptied = vifi("index", folder)
    assert (emptied.exit_code, emptied.stdout) == (1, "4 videos out of reach\n")
    assert "no videos under" not in emptied.stderr, "the warning about the disk says more"


def test_excluded_files_are_passed_over_and_stay(vifi: Vifi, folder: Path) -> None:
    vifi("index", folder, "--model", "starter", "--exclude", "*.mkv")
    outcome = vifi("index", folder, "--exclude", "pets*")
    assert "1 indexed video skipped" in outcome.stderr
    assert json.loads(vifi("status", "--json").stdout)["videos"] == 4


def test_names_that_are_no_text_are_indexed_and_found(vifi: Vifi, folder: Path) -> None:
    name = os.fsdecode(b"caf\xe9 [1]\n.mp4")
    (folder / "kitchen.mp4").rename(folder / name)
    assert vifi("index", folder, "--model", "starter").exit_code == 0
    hits = json.loads(vifi("search", "a cup of coffee", "--json", "-t", 1, "--path", "*caf*").stdout)["hits"]
    assert os.fsencode(hits[0]["path"]) == os.fsencode(folder / name)
    assert "caf" in vifi("search", "coffee", "--path", "*caf*").stdout


def test_pruning_says_how_much_it_would_drop_and_of_which_folders(
    vifi: Vifi, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "bad.mp4").write_bytes(b"bad")
    (folder / "deep").mkdir()
    (folder / "pets.mp4").rename(folder / "deep" / "pets.mp4")
    vifi("index", folder, "--model", "starter")
    answering = io.StringIO("n\n")
    answering.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", answering)
    asked = vifi("prune", folder, is_terminal=True)
    assert asked.exit_code == 1
    assert asked.stdout.strip() == "", "no list of all files before the question"
    shown = re.sub(r"\x1b\[[\d;]*m", "", asked.stderr)
    assert shown.splitlines()[:2] == [f"  {folder}: 4 files", f"  {folder / 'deep'}: 1 file"]
    assert "Drop 4 videos (0:18 of video), 1 unreadable file and 1 indexed folder from the index?" in shown
    assert json.loads(vifi("status", "--json").stdout)["videos"] == 4


def test_pruning_drops_what_is_named_and_asks_first(vifi: Vifi, folder: Path, vifi_home: Path) -> None:
    vifi("index", folder, "--model", "starter")
    refused = vifi("prune", folder / "pets.mp4")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    looked = vifi("prune", folder / "pets.mp4", "--dry-run")
    assert looked.stdout == f"{folder / 'pets.mp4'}\n"
    assert looked.stderr == "1 video (0:08 of video) would be dropped\n"
    with write_lock(vifi_home / "index"):
        assert vifi("prune", folder, "-n").exit_code == 0, "it only reads, as from an index of somebody else"
    assert json.loads(vifi("status", "--json").stdout)["videos"] == 4
    assert vifi("prune", folder / "pets.mp4", "--yes").exit_code == 0
    assert json.loads(vifi("status", "--json").stdout)["videos"] == 3
    assert (folder / "pets.mp4").exists(), "the file itself is never touched"
    (folder / "launch.mp4").unlink()
    assert vifi("prune", "--yes").stdout == f"{folder / 'launch.mp4'}\n"
    assert json.loads(vifi("status", "--json").stdout)["videos"] == 2


def test_pruning_keeps_what_an_unplugged_disk_holds(vifi: Vifi, folder: Path) -> None:
    vifi("index", folder, "--model", "starter")
    folder.rename(folder.with_name("elsewhere"))
    assert "nothing to drop" in vifi("prune", "--yes").stderr
    assert json.loads(vifi("status", "--json").stdout)["videos"] == 4
    assert vifi("prune", folder, "--yes").exit_code == 0
    assert json.loads(vifi("status", "--json").stdout)["videos"] == 0
    pets = folder.with_name("elsewhere") / "pets.mp4"
    no_videos = "no hits: the index has no videos to compare this with; `vifi index FOLDER` adds some\n"
    nothing = vifi("search", "a cat")
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert nothing.stderr.endswith(no_videos)
    vifi("index", pets)
    assert vifi("similar", pets).stderr == no_videos, "a video is no hit of itself"


def test_status_tells_what_failed(vifi: Vifi, folder: Path) -> None:
    (folder / "bad.mp4").write_bytes(b"bad")
    vifi("index", folder, "--model", "starter")
    shown = vifi("status").stdout
    assert f"not indexed: {folder / 'bad.mp4'}: " in shown
    assert "starter" in shown
    document = json.loads(vifi("status", "--json").stdout)
    assert document["roots"] == [{"path": str(folder), "videos": 4}]


def test_a_rebuild_never_drops_what_it_does_not_see(vifi: Vifi, folder: Path, tmp_path: Path) -> None:
    disk = tmp_path / "my disk"
    disk.mkdir()
    shutil.copy(folder / "launch.mp4", disk / "other.mp4")
    vifi("index", folder, disk, "--model", "starter")
    excluded = vifi("index", "--rebuild", "--exclude", "pets*")
    assert excluded.exit_code == 2
    assert "omit --exclude" in excluded.stderr
    (disk / "other.mp4").rename(tmp_path / "unplugged.mp4")
    unplugged = vifi("index", "--rebuild")
    assert unplugged.exit_code == 2
    assert f"plug the disk of {disk} in" in unplugged.stderr
    assert f"`vifi prune --missing '{disk}'`" in unplugged.stderr, "ready for a shell"
    assert json.loads(vifi("status", "--json").stdout)["videos"] == 5


def test_what_is_pruned_is_not_brought_back_by_an_unfinished_rebuild(
    vifi: Vifi, folder: Path, vifi_home: Path
) -> None:
    vifi("index", folder, "--model", "starter")
    shutil.copytree(vifi_home / "index", vifi_home / "index.rebuild")
    assert vifi("prune", folder / "pets.mp4", "--yes").exit_code == 0
    with Catalog(vifi_home / "index.rebuild" / CATALOG_FILE) as unfinished:
        assert {video.path.name for video in unfinished.videos()} == {
            "kitchen.mp4",
            "launch.mp4",
            "nothing.mp4",
        }


def test_roots_are_kept_without_dots(vifi: Vifi, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    vifi("index", "..", "--model", "starter")
    assert json.loads(vifi("status", "--json").stdout)["roots"] == [{"path": str(folder), "videos": 4}]
    assert vifi("search", "a cat", "--path", "..").exit_code == 0
    assert vifi("search", "a cat", "--path", ".").exit_code == 1
    assert vifi("prune", "../pets.mp4", "--yes").exit_code == 0


def test_warnings_are_told_beside_the_document(vifi: Vifi, folder: Path) -> None:
    (folder / "bad.mp4").write_bytes(b"bad")
    outcome = vifi("index", folder, "--model", "starter", "--json")
    assert json.loads(outcome.stdout)["failed"]
    assert "not indexed: " in outcome.stderr


def test_a_root_that_cannot_be_seen_is_out_of_reach_and_the_others_are_indexed(
    vifi: Vifi, folder: Path, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    shutil.copy(folder / "launch.mp4", disk / "other.mp4")
    assert vifi("index", folder, disk, "--model", "starter").exit_code == 0
    disk.rename(tmp_path / "away")
    disk.symlink_to(disk)  # the system refuses to look, as without rights
    (folder / "pets.mp4").unlink()
    for roots in ([], [disk, folder]):
        outcome = vifi("index", *roots, "--json")
        assert outcome.exit_code == 0, outcome.stderr
        assert f"{disk} is missing, empty, unreadable, or not mounted as before" in outcome.stderr
        document = json.loads(outcome.stdout)
        assert document["unchanged"] == 3
    assert json.loads(vifi("status", "--json").stdout)["videos"] == 4
    assert "nothing to drop" in vifi("prune", "--yes").stderr
    dropped = vifi("prune", "--missing", disk, "--yes")
    assert dropped.stdout == f"{disk / 'other.mp4'}\n"
    alone = vifi("index", disk)
    assert alone.exit_code == 0


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may read everything")
def test_a_named_folder_without_rights_stops_no_other(vifi: Vifi, folder: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    shutil.copy(folder / "launch.mp4", locked / "other.mp4")
    assert vifi("index", folder, locked, "--model", "starter").exit_code == 0
    (folder / "pets.mp4").unlink()

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        rights = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        command = [*rights, sys.executable, "-m", "vifi_cli", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    locked.chmod(0)
    indexed = run("index", locked, folder, "--json")
    inside = run("index", locked / "other.mp4", "--json")
    pruned = run("prune", "--missing", locked, "--yes")
    locked.chmod(0o755)
    assert indexed.returncode == 0, indexed.stderr
    document = json.loads(indexed.stdout)
    assert (document["removed"], document["unchanged"]) == (1, 3)
    assert [out["path"] for out in document["out_of_reach"]] == [str(locked)]
    assert inside.returncode == 0, inside.stderr
    assert pruned.stdout == f"{locked / 'other.mp4'}\n", pruned.stderr
    roots = [root["path"] for root in json.loads(vifi("status", "--json").stdout)["roots"]]
    assert roots == [str(locked), str(folder)], "the file in the locked folder is not one"


def test_what_is_skipped_is_counted_with_the_reason(vifi: Vifi, folder: Path) -> None:
    (folder / "@eaDir").mkdir()
    (folder / "pets.mp4").rename(folder / "@eaDir" / "pets.mp4")
    for name in ("a.jpg", "b.txt", "GX01.LRV"):
        (folder / name).write_bytes(b"content")
    (folder / "kitchen.mp4").rename(folder / "VID_01.insv")
    outcome = vifi("index", folder, "--model", "starter", "--json")
    document = json.loads(outcome.stdout)
    assert document["added"] == 3
    assert document["skipped_files"] == {"not_video": 2, "low_resolution": 1, "system_folder": 1}
    line = "skipped: 2 files that are not videos, 1 low-resolution copy, 1 folder of trash or thumbnails"
    assert line in outcome.stderr
    assert json.loads(vifi("index", "--include", "@eaDir", "--json").stdout)["added"] == 1
    refused = vifi("index", "--rebuild")
    assert "vifi prune --skipped" in refused.stderr
    pruned = vifi("prune", "--skipped", "--yes")
    assert pruned.stdout == f"{folder / '@eaDir' / 'pets.mp4'}\n"
    assert vifi("prune", "--skipped", "--missing").exit_code == 2


def test_a_name_in_another_unicode_form_reaches_the_file(vifi: Vifi, folder: Path) -> None:
    typed = unicodedata.normalize("NFC", "Café")
    on_disk = unicodedata.normalize("NFD", typed)
    (folder / on_disk).mkdir()
    (folder / "kitchen.mp4").rename(folder / on_disk / f"{on_disk}.mp4")
    assert vifi("index", folder / typed, "--model", "starter").exit_code == 0
    shown = json.loads(vifi("search", "coffee", "--path", typed, "--json").stdout)["hits"]
    assert {hit["path"] for hit in shown} == {str(folder / on_disk / f"{on_disk}.mp4")}
    video = folder / typed / f"{typed}.mp4"
    assert vifi("similar", f"{video}@0:01", "--min-score", 0).exit_code in (0, 1)
    cut = vifi("cut", f"{video}@0:00-0:01", "-o", folder / "clips")
    assert cut.exit_code == 0, cut.stderr
    assert vifi("prune", folder / typed, "--yes").stdout == f"{folder / on_disk / f'{on_disk}.mp4'}\n"


def test_a_file_dated_outside_the_years_of_sqlite_is_indexed(vifi: Vifi, folder: Path) -> None:
    os.utime(folder / "pets.mp4", (10_413_792_000, 10_413_792_000))
    assert json.loads(vifi("index", folder, "--model", "starter", "--json").stdout)["added"] == 4
    hits = json.loads(vifi("search", "a cat", "--newer", "2250-01-01", "--json").stdout)["hits"]
    assert {Path(hit["path"]).name for hit in hits} == {"pets.mp4"}
    assert vifi("search", "a cat", "--older", "9999-12-31").exit_code == 0


def test_nobody_else_can_read_what_commands_keep(vifi: Vifi, folder: Path, vifi_home: Path) -> None:
    before = os.umask(0)
    try:
        assert vifi("index", folder, "--model", "starter").exit_code == 0
        assert vifi("search", "a cat").exit_code == 0
        assert vifi("index", "--rebuild", "--fps", 2).exit_code == 0
    finally:
        os.umask(before)
    kept = [path for path in (vifi_home, *vifi_home.rglob("*")) if not path.is_symlink()]
    assert vifi_home / "index" / CATALOG_FILE in kept
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


def test_files_that_the_setting_excludes_are_skipped_beside_those_of_the_flag(
    vifi: Vifi, starter: None, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIFI_EXCLUDE", os.pathsep.join(("pets.*", "launch.*")))
    outcome = vifi("index", clips, "--model", "starter", "--exclude", "kitchen.*", "--json")
    report = json.loads(outcome.stdout)
    assert (report["added"], report["skipped_files"]["excluded"]) == (1, 3)


def test_the_question_of_prune_takes_yes_and_no_and_ctrl_c_interrupts_it(
    vifi: Vifi, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Answers(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, *_: object) -> str:  # type: ignore[override]
            if line := super().readline():
                return line
            raise KeyboardInterrupt

    vifi("index", folder, "--model", "starter")
    monkeypatch.setattr("sys.stdin", Answers("perhaps\n"))
    stopped = vifi("prune", folder)
    assert stopped.exit_code == 130
    assert stopped.stderr.count("[y/N]") == 2
    assert "answer y to drop them, or n to keep them\n" in stopped.stderr
    assert stopped.stderr.endswith("interrupted: run the same command again\n")
    assert "Error:" not in stopped.stderr
    monkeypatch.setattr("sys.stdin", Answers("Yes\n"))
    assert vifi("prune", folder / "pets.mp4").exit_code == 0
    assert json.loads(vifi("status", "--json").stdout)["videos"] == 3
