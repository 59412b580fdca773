"""Bundles of options: a command takes a dataclass, and Typer sees an option for each of its fields."""

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints

KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY


def spliced(command: Callable[..., None]) -> Callable[..., None]:
    """Replaces each parameter whose type is a dataclass by the fields of that dataclass.

    The fields are annotated as for Typer, `Annotated[int, typer.Option(...)]`. The command receives the dataclass,
    whose `__post_init__` may check its options together.

        @spliced
        def search(query: QueryArgument, hits: HitSelection, output: HitOutput) -> None: ...

    Raises:
        TypeError: two parameters of the command have the same name.
    """
    signature = inspect.signature(command, eval_str=True)
    bundles = {
        name: each.annotation
        for name, each in signature.parameters.items()
        if isinstance(each.annotation, type) and is_dataclass(each.annotation)
    }
    parameters: list[inspect.Parameter] = []
    for name, each in signature.parameters.items():
        parameters += _parameters_of(bundles[name]) if name in bundles else [each.replace(kind=KEYWORD_ONLY)]
    names = [each.name for each in parameters]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise TypeError(f"{command.__name__} has two options named {', '.join(twice)}")

    @functools.wraps(command)
    def run(**values: Any) -> None:
        for name, bundle in bundles.items():
            values[name] = bundle(**{each.name: values.pop(each.name) for each in fields(bundle)})
        command(**values)

    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _parameters_of(bundle: type[Any]) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(bundle, include_extras=True)
    for field in fields(bundle):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        yield inspect.Parameter(field.name, KEYWORD_ONLY, default=default, annotation=hints[field.name])
