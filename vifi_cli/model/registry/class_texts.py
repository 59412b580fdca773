"""Texts that represent classes, as a file of them or a model's card has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ClassTexts:
    """Several texts for each class, whose embeddings are averaged.

    `templates` contain `{}` in place of the class name; `descriptions` are used as they are, and their class names
    match in any spelling. `name` is that of the file, or of texts that vifi ships; equal texts may differ in it.
    """

    name: str = field(compare=False)
    templates: tuple[str, ...] = ()
    descriptions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
