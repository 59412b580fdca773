"""Texts for classes: what a file may say, what is refused, and what becomes of them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.class_text_files import read_class_texts, shipped_class_texts
from vifi_cli.evaluation.testing.class_texts import (
    embed_class_names,
    spelled_for,
    texts_of_classes,
)
from vifi_cli.model.registry.card import BaseReference, ModelCard, PromptShape
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.model.storage.loading import LoadedModel


def written(folder: Path, content: object) -> str:
    path = folder / "texts.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8-sig")
    return str(path)


def embedded(loaded: LoadedModel, *texts: str) -> torch.Tensor:
    with torch.inference_mode():
        return loaded.network.encode_classes(loaded.tokenizer(texts))


def test_wordings_that_ship_can_be_read() -> None:
    wordings = {name: read_class_texts(name) for name in shipped_class_texts()}
    assert set(wordings) == {"bare", "short", "video"}
    assert wordings["bare"] == ClassTexts("bare", ("{}",))
    assert len(set(wordings["video"].templates)) == 12


@pytest.mark.parametrize(
    ("content", "templates", "descriptions"),
    [
        (["a {}.", "the {}."], ("a {}.", "the {}."), {}),
        ({"templates": ["a {}."]}, ("a {}.",), {}),
        (
            {"templates": ["a {}."], "descriptions": {"run": "legs", "Walk": ["feet ", "slow"]}},
            ("a {}.",),
            {"run": ("legs",), "Walk": ("feet", "slow")},
        ),
        ({"descriptions": {"run": ["legs"]}}, (), {"run": ("legs",)}),
        ({"run": "legs", "walk": ["feet"]}, (), {"run": ("legs",), "walk": ("feet",)}),
    ],
)
def test_forms_of_a_file(
    tmp_path: Path, content: object, templates: tuple[str, ...], descriptions: dict[str, tuple[str, ...]]
) -> None:
    wording = read_class_texts(written(tmp_path, content))
    assert (wording.templates, wording.descriptions) == (templates, descriptions)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "texts.json, line 1 is not JSON"),
        ("[]", "no template and no description"),
        ("{}", "no template and no description"),
        ("7", "no texts for classes"),
        (["no place"], "holds {} once, for the class: 'no place'"),
        (["{} and {}"], "holds {} once"),
        (["a {}.", 3], "templates is not a list of texts"),
        ({"templates": "a {}."}, "templates is not a list of texts"),
        ({"run": ["legs", ""]}, "'run' has an empty text: write one, or remove it"),
        ({"run": " "}, "'run' has an empty text"),
        ({"templates": ["a {}.", ""]}, "templates has an empty text"),
        ({"run": []}, "no text for 'run'"),
        ({"run": {"deep": "text"}}, "'run' is not a list of texts"),
        ({"pull_ups": "a", "PullUps": "b"}, "one class twice, as 'pull_ups' and 'PullUps'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_a_line(tmp_path: Path, content: object, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_class_texts(written(tmp_path, content))
    assert said in str(caught.value)
    assert "texts.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_numbered_classes_are_named_by_their_texts(tmp_path: Path) -> None:
    """As FROSTER's label_rephrase/*.json and TC-CLIP's labels/*.json are."""
    content = {"0": "Kick ball: A person kicks: a ball", "1": ["PushUp: up", "PushUp: down"]}
    assert read_class_texts(written(tmp_path, content)).descriptions == {
        "Kick ball": ("Kick ball: A person kicks: a ball",),
        "PushUp": ("PushUp: up", "PushUp: down"),
    }


@pytest.mark.parametrize(
    "content",
    [
        {"0": ["a ball"], "1": ["a floor"]},  # OST's descriptors/*/*.json
        {"0": "Kick: a", "1": "kick: b"},
        {"0": ["Kick: a", "Ball: b"], "1": "Run: c"},
        {"0": ": a", "1": "Run: c"},
        {"1": "Kick: a", "2": "Run: b"},
    ],
)
def test_numbers_alone_do_not_say_which_class_is_meant(tmp_path: Path, content: object) -> None:
    texts = read_class_texts(written(tmp_path, content))
    with pytest.raises(
        InvalidInput, match=r"describes no class 'kick' .*; it numbers classes: write their names"
    ):
        list(texts_of_classes(["kick", "run"], texts))
    assert len(list(texts_of_classes(sorted(texts.descriptions), texts))) == 2, "numbers may be the names"


def test_a_wording_that_there_is_not() -> None:
    with pytest.raises(InvalidInput, match="bare, short, video"):
        read_class_texts("vidoe")


def test_descriptions_match_in_any_spelling_and_follow_the_templates() -> None:
    wording = ClassTexts("x", ("a {}.",), {"pull_ups": ("chin over a bar",), "Run": ("legs", "fast")})
    assert list(texts_of_classes(["run", "PullUps"], wording)) == [
        ("a run.", "legs", "fast"),
        ("a PullUps.", "chin over a bar"),
    ]
    with pytest.raises(InvalidInput) as caught:
        list(texts_of_classes(["run", "jump"], wording))
    assert str(caught.value) == (
        "x describes no class 'jump' (1 of 2 lack texts); 'pull_ups' is none of these classes"
    )


def test_a_class_is_the_mean_of_its_texts_to_unit_length(tiny: LoadedModel) -> None:
    wording = ClassTexts("x", ("a {}.", "the {}."), {"run": ("legs",), "jump": ("high", "up")})
    found = embed_class_names(tiny, ["run", "jump"], wording)
    for row, texts in zip(
        found, [("a run.", "the run.", "legs"), ("a jump.", "the jump.", "high", "up")], strict=True
    ):
        each = torch.stack([embedded(tiny, text)[0] for text in texts])
        mean = each.mean(0)
        torch.testing.assert_close(row, mean / mean.norm())
    assert torch.allclose(found.norm(dim=1), torch.ones(2))
    assert not found.is_inference()  # so that it may also take part in training


def test_a_models_own_texts_stand_for_its_classes_only_where_they_describe_all(tiny: LoadedModel) -> None:
    texts = ClassTexts("own.json", (), {"Run": ("legs", "fast"), "jump": ("high",)})
    model, said = replace(tiny, card=replace(tiny.card, texts=texts)), list[str]()
    found = embed_class_names(model, ["run", "jump"], warn=said.append)
    torch.testing.assert_close(found, embed_class_names(tiny, ["run", "jump"], texts))
    assert not said
    found = embed_class_names(model, ["run", "swim"], warn=said.append)
    torch.testing.assert_close(found, embed_class_names(tiny, ["run", "swim"]))
    assert said == [
        "the model's texts, own.json, describe no class 'swim' (1 of 2 lack texts): its template stands for all "
        "classes; --texts names others"
    ]
    other = ClassTexts("other", ("{} now",))
    torch.testing.assert_close(
        embed_class_names(model, ["run", "jump"], other), embed_class_names(tiny, ["run", "jump"], other)
    )
    both = replace(tiny, card=replace(tiny.card, texts=replace(texts, templates=("{} now",))))
    with pytest.warns(UserWarning, match="its templates alone stand for all classes"):
        torch.testing.assert_close(
            embed_class_names(both, ["run", "swim"]), embed_class_names(tiny, ["run", "swim"], other)
        )


def test_descriptions_that_are_cut_are_named(tiny: LoadedModel) -> None:
    said: list[str] = []
    long = ClassTexts("x", (), {"run": ("legs", "very " * 100 + "fast"), "jump": ("high",)})
    embed_class_names(tiny, ["run", "jump"], long, warn=said.append)
    assert len(said) == 1
    assert "no room for all of the texts of 'run', whose ends are cut off: shorten them" in said[0]


def test_without_a_wording_the_models_template_is_used(tiny: LoadedModel) -> None:
    found = embed_class_names(tiny, ["ApplyEyeMakeup", "pull_ups"])
    torch.testing.assert_close(
        found, embedded(tiny, "a photo of a Apply Eye Makeup.", "a photo of a pull ups.")
    )
    raw = embed_class_names(tiny, ["ApplyEyeMakeup", "pull_ups"], ClassTexts("bare", ("{}",)), clean=False)
    torch.testing.assert_close(raw, embedded(tiny, "ApplyEyeMakeup", "pull_ups"))


def test_many_texts_are_embedded_as_few(tiny: LoadedModel) -> None:
    names = [f"class {number}" for number in range(300)]
    found = embed_class_names(tiny, names)
    torch.testing.assert_close(found[298:], embed_class_names(tiny, names[298:]))


def test_a_learned_context_takes_no_templates(tiny: LoadedModel) -> None:
    base = BaseReference("tiny", "0" * 64, "1" * 64)
    learned = replace(tiny, card=replace(tiny.card, prompts=PromptShape(4, 1), base=base))
    with pytest.raises(
        InvalidInput, match="video does not go with a model that has learned its text context"
    ):
        embed_class_names(learned, ["a", "b"], read_class_texts("video"))
    seen = replace(tiny, card=replace(tiny.card, prompts=PromptShape(0, 0, 4, 1), base=base))
    assert embed_class_names(seen, ["a", "b"], read_class_texts("short")).shape == (2, 16)


def card(tiny: LoadedModel, *names: str, **origin: str) -> ModelCard:
    return replace(tiny.card, class_names=names, origin=origin)


def test_names_are_spelled_as_the_model_learned_them(tiny: LoadedModel) -> None:
    names = ("ApplyEyeMakeup", "pull_ups")
    words = ("Apply Eye Makeup", "pull ups")
    assert spelled_for(card(tiny), names) == words
    assert spelled_for(card(tiny, "pull ups"), names) == words
    assert spelled_for(card(tiny, "pull_ups"), names) == names
    assert spelled_for(card(tiny, "apply eye makeup"), names) == ("apply eye makeup", "pull ups")
    assert spelled_for(card(tiny, protocol="paper"), names) == names
    assert spelled_for(card(tiny, checkpoint="vifi.pth"), names) == names
    assert spelled_for(card(tiny, protocol="paper"), names, clean=True) == words
    assert spelled_for(card(tiny, "pull ups"), names, clean=False) == names
    assert spelled_for(card(tiny), ("pull_ups", "pull ups")) == ("pull_ups", "pull ups")
