"""The datasets that vifi knows by name: where to get them, and where to look for them."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.data.forms.listing import ListedVideo
from vifi_cli.data.public_sets.official_splits import read_hmdb51, read_kinetics, read_ssv2, read_ucf101
from vifi_cli.errors import InvalidInput

_ReadOfficial = Callable[[Sequence[Path], Sequence[str], int], tuple[ListedVideo, ...]]


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A public dataset, where to get it and how to find it on disk."""

    name: str
    title: str
    folder_names: tuple[str, ...]  # under the data root, in lower case
    list_folder: str  # in ViFi-CLIP's `datasets_splits`
    splits: int
    page: str
    needs: str  # annotation files to download
    layout: str  # example paths
    read_official: _ReadOfficial


PUBLIC_SETS = {
    named.name: named
    for named in (
        PublicSet(
            "ucf101",
            "UCF-101",
            ("ucf101", "ucf-101", "ucf_101", "ucf"),
            "ucf_splits",
            3,
            "https://www.crcv.ucf.edu/data/UCF101.php",
            "the train/test splits for action recognition (ucfTrainTestlist)",
            "ucf101/ucfTrainTestlist/trainlist01.txt and ucf101/UCF-101/Archery/v_Archery_g01_c01.avi",
            read_ucf101,
        ),
        PublicSet(
            "hmdb51",
            "HMDB-51",
            ("hmdb51", "hmdb-51", "hmdb_51", "hmdb"),
            "hmdb_splits",
            3,
            "https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database/",
            "the three splits (testTrainMulti_7030_splits)",
            "hmdb51/testTrainMulti_7030_splits/wave_test_split1.txt and hmdb51/videos/wave/….avi",
            read_hmdb51,
        ),
        PublicSet(
            "k400",
            "Kinetics-400",
            ("k400", "kinetics400", "kinetics-400", "kinetics_400"),
            "k400_splits",
            1,
            "https://github.com/cvdfoundation/kinetics-dataset",
            "the annotations (train.csv, val.csv)",
            "k400/annotations/val.csv and k400/val/0wR5jVB-WPk_000417_000427.mp4",
            lambda files, class_names, _: read_kinetics(files, class_names),
        ),
        PublicSet(
            "k600",
            "Kinetics-600",
            ("k600", "kinetics600", "kinetics-600", "kinetics_600"),
            "k600_splits",
            3,
            "https://github.com/cvdfoundation/kinetics-dataset",
            "the annotations (train.csv, val.csv, test.csv)",
            "k600/annotations/val.csv and k600/val/0wR5jVB-WPk_000417_000427.mp4",
            lambda files, class_names, _: read_kinetics(files, class_names),
        ),
        PublicSet(
            "ssv2",
            "Something-Something V2",
            ("ssv2", "something-something-v2", "sthv2", "20bn-something-something-v2"),
            "ssv2_splits",
            1,
            "https://www.qualcomm.com/developer/software/something-something-v-2-dataset",
            "the labels (something-something-v2-train.json and -validation.json)",
            "ssv2/labels/something-something-v2-train.json and ssv2/20bn-something-something-v2/78687.webm",
            lambda files, class_names, _: read_ssv2(files, class_names),
        ),
    )
}


def data_root(root: Path | None, name: str) -> Path:
    """The folder that holds a public set: `root`, else `$VIFI_DATA`, else `./NAME`.

    Raises:
        InvalidInput: there is no such folder.
    """
    variable = os.environ.get("VIFI_DATA")
    given = root or (Path(variable) if variable else None)
    if given is None and Path(name).is_dir():
        given = Path(name)
    if given is None:
        raise InvalidInput(f"{name} is not on this machine. {how_to_get(PUBLIC_SETS[name], Path('DATA'))}")
    if not given.is_dir():
        raise InvalidInput(
            f"{given} is not a folder: set --data-root or VIFI_DATA to the folder that holds {name}"
        )
    return Path(os.path.abspath(given.expanduser()))  # noqa: PTH100  resolve() would follow links


def how_to_get(named: PublicSet, root: Path) -> str:
    """A sentence: what to download, and where to put it."""
    example = " and ".join(f"{root}/{part}" for part in named.layout.split(" and "))
    return (
        f"Download the videos and {named.needs} from {named.page}, unpack them as in {example}, "
        f"and set --data-root or VIFI_DATA to {root}"
    )


def places(named: PublicSet, root: Path) -> Iterator[Path]:
    """Where to look for the set: folders of its name under the root, then the root itself."""
    folders = {path.name.lower(): path for path in sorted(root.iterdir()) if path.is_dir()}
    yield from (folders[name] for name in named.folder_names if name in folders)
    yield root
