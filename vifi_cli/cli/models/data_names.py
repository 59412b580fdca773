"""What `--data` names: a public set with an official split, a folder, a table, or lists with their label file."""

from pathlib import Path

from vifi_cli.errors import InvalidInput


def without_labels(data: str) -> tuple[str, Path | None]:
    """`LISTS,LABELS` in two."""
    lists, comma, labels = data.rpartition(",")
    if comma and not Path(data).expanduser().exists():
        return lists, Path(labels).expanduser()
    return data, None


def without_split(data: str) -> tuple[str, int]:
    """The name of a set and the official split after its colon, 1 if there is none."""
    from vifi_cli.data.public_sets.named_sets import NAMED_SETS

    name, colon, number = data.partition(":")
    if not colon or name not in NAMED_SETS:
        return data, 1
    if not number.isdecimal() or number == "0":
        raise InvalidInput(
            f"--data {data}: after the colon stands the number of an official split, such as 2"
        )
    return name, int(number)


def set_name_of(data: str) -> str:
    """What `--data` names, without split and label file."""
    return without_split(without_labels(data)[0])[0]


def is_named_set(data: str) -> bool:
    """Whether `--data` names a public set that vifi knows."""
    from vifi_cli.data.public_sets.named_sets import NAMED_SETS

    return set_name_of(data) in NAMED_SETS


def absolute_data(data: str) -> str:
    """What `--data` names, so that it can be found from another folder: names of sets stay, paths become whole."""
    from vifi_cli.data.public_sets.named_sets import NAMED_SETS

    name, labels = without_labels(data)
    if without_split(name)[0] not in NAMED_SETS:
        name = str(Path(name).expanduser().absolute())
    return f"{name},{labels.absolute()}" if labels else name
