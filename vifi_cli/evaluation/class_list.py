"""The classes that a user names: in a row, in a file, or as those of a public set."""


def read_class_list(text: str) -> tuple[str, ...]:
    """The class names that `a,b,c`, a file, or the name of a public set stands for.

    Raises:
        InvalidInput: a name is given twice, or there are fewer than two.
    """
    raise NotImplementedError(text)
