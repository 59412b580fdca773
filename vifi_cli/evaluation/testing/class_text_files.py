"""Reads the texts that represent classes, templates or descriptions, from JSON files, or those that vifi ships."""

import json
from importlib import resources

from vifi_cli.data.class_names import class_key
from vifi_cli.data.formats.text_file import read_text
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.paths import given_path, is_given_file

_TEMPLATES = resources.files("vifi_cli.evaluation.testing") / "class_templates"
_FORM = (
    'write {"templates": ["a video of {}."], "descriptions": {"CLASS": ["TEXT"]}}, one of the two, '
    'or {"CLASS": "TEXT"}'
)


def shipped_class_texts() -> tuple[str, ...]:
    """The names of the texts in `class_templates/`."""
    return tuple(sorted(file.name.removesuffix(".json") for file in _TEMPLATES.iterdir()))


def read_class_texts(text: str) -> ClassTexts:
    """Reads a JSON file, or texts that vifi ships, by their name.

    The file holds `templates`, a list, or `descriptions`, a text or a list of texts per class, or both; or only a list
    of templates; or only the descriptions. Classes may be numbered where each text begins with the name of its class
    and a colon, as in FROSTER's `label_rephrase/*.json`.

    Raises:
        InvalidInput: the file does not exist, or its content is wrong; the message names the file.
    """
    if text in shipped_class_texts():
        return _parsed(text, (_TEMPLATES / f"{text}.json").read_text(encoding="utf-8"))
    path = given_path(text)
    if not is_given_file(text):
        raise InvalidInput(f"{text} is not a file: name a JSON file, or {', '.join(shipped_class_texts())}")
    return _parsed(text, read_text(path))


def _parsed(name: str, text: str) -> ClassTexts:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{name}, line {error.lineno} is not JSON: {error.msg}") from error
    templates: object = []
    descriptions: object = {}
    if isinstance(content, list):
        templates = content
    elif isinstance(content, dict) and content and set(content) <= {"templates", "descriptions"}:
        templates, descriptions = content.get("templates", []), content.get("descriptions", {})
    else:
        descriptions = content
    described = _named(_descriptions(name, descriptions))
    texts = ClassTexts(name, _texts(name, "templates", templates), described)
    if not texts.templates and not texts.descriptions:
        raise InvalidInput(f"{name} has no template and no description: {_FORM}")
    for template in texts.templates:
        if template.count("{}") != 1:
            raise InvalidInput(f"{name}: a template holds {{}} once, for the class: {template!r}")
    return texts


def _descriptions(name: str, content: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(content, dict):
        raise InvalidInput(f"{name} has no texts for classes: {_FORM}")
    spelled: dict[str, str] = {}
    for class_name in content:
        other = spelled.setdefault(class_key(class_name), class_name)
        if other != class_name:
            raise InvalidInput(f"{name} describes one class twice, as {other!r} and {class_name!r}")
    texts = {
        class_name: _texts(name, repr(class_name), [value] if isinstance(value, str) else value)
        for class_name, value in content.items()
    }
    if empty := next((class_name for class_name, of_class in texts.items() if not of_class), None):
        raise InvalidInput(f"{name} has no text for {empty!r}: write one, or leave the class out")
    return texts


def _named(described: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Descriptions by the names that their texts begin with, `NAME: …`, if classes are numbered from 0 on.

    FROSTER and TC-CLIP have such files. Unchanged if a class has no name, or not one of its own.
    """
    if described.keys() != {str(number) for number in range(len(described))}:
        return described
    named: dict[str, tuple[str, ...]] = {}
    for of_class in described.values():
        names = {name if colon else "" for name, colon, _ in (text.partition(":") for text in of_class)}
        name = names.pop()
        if names or not class_key(name) or class_key(name) in map(class_key, named):
            return described
        named[name] = of_class
    return named


def _texts(name: str, what: str, values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidInput(f"{name}: {what} is not a list of texts: {_FORM}")
    if not all(map(str.strip, values)):
        raise InvalidInput(f"{name}: {what} has an empty text: write one, or remove it")
    return tuple(value.strip() for value in values)
