"""Whether the model that training would start from can tell classes apart by their names, without its weights."""

from collections.abc import Sequence

from vifi_cli.api.models.choosing import choose_start_of_training
from vifi_cli.data.class_names import class_key, clean_class_name
from vifi_cli.errors import InvalidInput, VifiError

_SHORT = 40  # letters; with the template around it, such a name fits every text tower in the worst case too


def unclear_class_texts(class_names: Sequence[str]) -> str:
    """Why training would refuse these names for the model that it chooses if none is named; empty if it does not.

    Nothing is loaded where any model can tell the names apart, and only a tokenizer elsewhere.
    """
    if all(map(_is_plain, class_names)) and len(set(map(class_key, class_names))) == len(class_names):
        return ""
    from vifi_cli.model.prompts.class_tokens import refuse_unclear_classes
    from vifi_cli.model.registry.card import TEMPLATE
    from vifi_cli.model.registry.source import resolve_model
    from vifi_cli.model.storage.loading import load_text_reader

    words = tuple(map(clean_class_name, class_names))
    texts = words if len(set(words)) == len(words) else class_names
    try:
        reader = load_text_reader(resolve_model(choose_start_of_training(None).name))
    except VifiError:
        return ""  # the model is not here, which training reports
    try:
        refuse_unclear_classes(reader, class_names, [(TEMPLATE.replace("{}", text),) for text in texts])
    except InvalidInput as error:
        return str(error)
    return ""


def _is_plain(name: str) -> bool:
    return name.isascii() and bool(class_key(name)) and len(name) <= _SHORT
