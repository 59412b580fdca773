"""The README of a folder for transformers: what the model is, and the lines that embed and classify a video."""

from pathlib import Path

from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.model.towers.clip_transform import test_short_side

_CLASSES_SHOWN = 20

_PAGE = """---
library_name: transformers
pipeline_tag: zero-shot-image-classification
tags:
- video
- vifi
---

# {title}

{origin}

A clip's embedding is the mean of its frames' embeddings, not normalized, then scaled to length 1. With frames taken
evenly over a video, this classifies it:

```python
import av, torch
from transformers import AutoModel, AutoProcessor

model, processor = AutoModel.from_pretrained("FOLDER"), AutoProcessor.from_pretrained("FOLDER")
classes = {classes}
with av.open("video.mp4") as video:
    frames = [frame.to_image() for frame in video.decode(video=0)]
frames = [frames[(2 * i + 1) * len(frames) // {twice}] for i in range({frames})]
inputs = processor(text=[{template!r}.format(name) for name in classes], images=frames,
                   padding="max_length", truncation=True, return_tensors="pt")
with torch.no_grad():
    images = model.get_image_features(pixel_values=inputs["pixel_values"])
    texts = model.get_text_features(input_ids=inputs["input_ids"])
images, texts = (getattr(found, "pooler_output", found) for found in (images, texts))  # releases 5 and 4
video, texts = images.mean(0, keepdim=True), texts / texts.norm(dim=-1, keepdim=True)
logits = model.logit_scale.exp() * (video / video.norm()) @ texts.T
print(dict(zip(classes, logits.softmax(-1)[0].tolist())))
```
{notes}"""


def write_readme(folder: Path, model: LoadedModel, family: str) -> None:
    """Write the page; `family` is the beginning of the class's name in transformers."""
    card = model.card
    frames = card.trained_frames or 8
    shown = list(card.class_names[:_CLASSES_SHOWN]) or ["a dog", "a cat"]
    # a page that is published does not show where files are on this machine
    origins = {
        name: Path(value).name if Path(value).is_absolute() else value for name, value in card.origin.items()
    }
    facts = "".join(f"| {name} | {value} |\n" for name, value in origins.items())
    origin = f"{family}Model, exported by vifi.\n\n| | |\n| --- | --- |\n{facts}".rstrip()
    side = card.preprocessing.geometry.height
    notes = [
        "The lines prepare frames by the processor of this folder. vifi's tests crop the center of frames whose short "
        f"side is {test_short_side(side)} pixels, so their probabilities differ a little."
    ]
    if len(card.class_names) > _CLASSES_SHOWN:
        names = ", ".join(card.class_names)
        notes.append(f"All {len(card.class_names)} classes of its training: {names}")
    if card.fusion != "embedding":
        notes.append(f"It was trained with fusion by {card.fusion}, which these lines do not do.")
    page = _PAGE.format(
        title=model.source.label,
        origin=origin,
        classes=shown,
        frames=frames,
        twice=2 * frames,
        template=card.class_text("{}"),
        notes="".join(f"\n{note}\n" for note in notes),
    )
    (folder / "README.md").write_text(page, encoding="utf-8")
