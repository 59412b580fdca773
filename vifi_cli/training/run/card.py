"""What the model folder of a run says about itself."""

from dataclasses import replace

from vifi_cli.data.class_names import clean_class_name
from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import ModelCard, Tower
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.training.run.folder import RunConfig

# mean 123.675, 116.28, 103.53 and std 58.395, 57.12, 57.375 of 255, as datasets/build.py has them
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TUNED: dict[str, tuple[Tower, ...]] = {"both": ("image", "text"), "image": ("image",), "text": ("text",)}


def tuned_card(base: ModelCard, config: RunConfig, data: LabeledVideos) -> ModelCard:
    """The card of a model that a run makes out of another.

    Raises:
        InvalidInput: two classes have the same name, or the model does not take square pictures.
    """
    recipe = config.recipe
    geometry = base.preprocessing.geometry
    if geometry.height != geometry.width:
        raise InvalidInput(
            f"{config.model} takes pictures of {geometry.height} x {geometry.width}; square ones can be tuned"
        )
    preprocessing = base.preprocessing
    if recipe.imagenet_statistics:
        preprocessing = replace(preprocessing, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    return ModelCard(
        base.architecture,
        preprocessing,
        fusion=recipe.fusion,
        template=recipe.template,
        class_names=_class_names(data, recipe),
        tuned=tuple(dict.fromkeys((*base.tuned, *TUNED[recipe.tune]))),
        origin={
            "base": config.model,
            "data": data.name,
            "setting": config.setting,
            "protocol": config.protocol,
            "frames": str(recipe.frames),
        },
    )


def _class_names(data: LabeledVideos, recipe: Recipe) -> tuple[str, ...]:
    if recipe.clean_class_names:
        names = tuple(clean_class_name(name) for name in data.class_names)
    elif recipe.prompts:
        # as published (trainers/vificlip.py, PromptLearner), where CamelCase stays
        names = tuple(name.replace("_", " ") for name in data.class_names)
    else:
        return data.class_names
    # where two classes would become one, their own spelling keeps them apart
    return names if len(set(names)) == len(names) else data.class_names
