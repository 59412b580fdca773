"""Bundles of options: a command takes a dataclass, and Typer sees an option for each of its fields."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, get_type_hints


def spliced(command: Callable[..., None]) -> Callable[..., None]:
    """Replaces each parameter whose type is a dataclass by the fields of that dataclass.

    The fields are annotated as parameters of a Typer command are, `Annotated[int, typer.Option(...)]`. The command
    receives the dataclass, which checks in its `__post_init__` what its options mean together.

        @spliced
        def search(query: QueryArgument, hits: HitSelection, output: HitOutput) -> None: ...

    Raises:
        TypeError: two parameters of the command have the same name.
    """
    signature = inspect.signature(command, eval_str=True)
    bundles = {name: each.annotation for name, each in signature.parameters.items() if _is_bundle(each)}
    parameters = [each for name in signature.parameters for each in _spliced(signature, bundles, name)]
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


def _is_bundle(parameter: inspect.Parameter) -> bool:
    return isinstance(parameter.annotation, type) and is_dataclass(parameter.annotation)


def _spliced(
    signature: inspect.Signature, bundles: Mapping[str, type], name: str
) -> Iterator[inspect.Parameter]:
    if name not in bundles:
        yield signature.parameters[name].replace(kind=inspect.Parameter.KEYWORD_ONLY)
        return
    hints = get_type_hints(bundles[name], include_extras=True)
    for field in fields(bundles[name]):
        yield inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=_default(field), annotation=hints[field.name]
        )


def _default(field: Field[Any]) -> object:
    return inspect.Parameter.empty if field.default is MISSING else field.default
