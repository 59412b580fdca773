"""What an evaluation tests, and why it cannot."""

from pathlib import Path

import pytest

from vifi_cli.api.evaluation.plan import find_list
from vifi_cli.api.evaluation.request import subject_of
from vifi_cli.data.class_names import class_names_of, class_part
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.paper_settings import plan_trials


def test_novel_classes_without_videos_are_named_as_what_is_missing(tmp_path: Path) -> None:
    lists = tmp_path / "ucf101" / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    names, base = class_names_of("ucf101"), class_part("ucf101", "base")
    for group, split in enumerate(("trainlist01", "testlist01"), start=1):
        files = [f"{name}/v_{name}_g0{group}_c01.avi" for name in names]
        for label in base[:3]:
            (tmp_path / "ucf101" / Path(files[label]).name).touch()
        (lists / f"{split}.txt").write_text("".join(f"{file} {n}\n" for n, file in enumerate(files, start=1)))
    data = DataSource("ucf101", root=tmp_path, classes=("present",))
    subject = subject_of(Setting("base2novel"), data, ["starter"])
    (trial,) = plan_trials(subject.setting, data, trains=False)
    of_base, of_novel = trial.lists
    assert len(find_list(subject, trial, of_base).class_names) == 3
    with pytest.raises(InvalidInput, match=r"no video of the novel classes of ucf101 .*--setting supervised"):
        find_list(subject, trial, of_novel)
