"""The texts that stand for classes in a test: the model's own template, several templates, descriptions of classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from vifi_cli.model.model_folder import LoadedModel


@dataclass(frozen=True, slots=True)
class ClassWording:
    """Several texts for each class, whose embeddings are averaged.

    Attributes:
        name: of the file, or of the wording that ships.
        templates: class names are put into each, in place of `{}`.
        descriptions: texts by class name, taken as they are; names match in any spelling.
    """

    name: str
    templates: tuple[str, ...] = ()
    descriptions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_class_wording(text: str) -> ClassWording:
    """Read a JSON file, or a wording that ships by its name.

    Raises:
        InvalidInput: there is none, or it makes no sense.
    """
    raise NotImplementedError(text)


def embed_class_names(
    loaded: LoadedModel,
    class_names: Sequence[str],
    wording: ClassWording | None = None,
    *,
    clean: bool | None = None,
) -> Tensor:
    """Embed classes: float32 (C, D), of length 1, on the network's device.

    Args:
        loaded: the model.
        class_names: of the test.
        wording: the texts; None for the model's own template.
        clean: whether `ApplyEyeMakeup` and `pull_ups` become words; None for what the model was tuned with.

    Raises:
        InvalidInput: the model has learned its own context, or a class lacks a description.
    """
    raise NotImplementedError(loaded, class_names, wording, clean)
