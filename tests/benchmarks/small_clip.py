"""Trains a CLIP of two small transformers from random weights, for measurements that need one where none can be had.

    python -m tests.benchmarks.small_clip VIDEOS --output FOLDER

Image tower: a ViT, 64 pixels in patches of 8. Text tower: a causal transformer over CLIP's tokens. Both learn to
say what `starter` says: of crops of the videos' frames and of mixtures of two (Beyer et al., Knowledge distillation:
a good teacher is patient and consistent, CVPR 2022), and of class names and captions. Frames of clips whose class or
caption is known also learn to be nearest to that text. VIDEOS holds `search`, `odd` and `actions`; the Weizmann
actions are left out, so that they can be a test.

What it is: both kinds of tower as CLIP has them, aligned, in a size that a CPU tunes in two minutes. What it is not: a
good encoder; it has seen a few minutes of video, and does not beat chance on the Weizmann actions.
The folder is one of open_clip's, for `--model FOLDER`. It takes half an hour of one core.
"""

import argparse
import csv
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from PIL import Image
from torch import Tensor, nn

from tests.benchmarks.finetune_accuracy import DESCRIPTIONS
from tests.benchmarks.measuring import show_machine
from tests.benchmarks.starter_quality import embed_clips, fastest_rates, retrieval
from vifi_cli.data.class_names import class_names_of, clean_class_name
from vifi_cli.errors import UnreadableVideo
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.concept_texts import concept_descriptions
from vifi_cli.model.towers.tokenizers.short_context import accept_cut_context, cut_context
from vifi_cli.model.towers.vifi_clip import ViFiCLIP, unit_length
from vifi_cli.model.weights.weights_file import save_weights
from vifi_cli.video.clips.reader import read_clip

SIZE, STORED = 64, 72  # pixels: of the student's picture, and of what this is cut from
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 128, "heads": 4, "layers": 4}
VISION = {"image_size": SIZE, "patch_size": 8, "width": 128, "head_width": 32, "layers": 6}
ARCHITECTURE = {"embed_dim": 384, "vision_cfg": VISION, "text_cfg": TEXT, "custom_text": True}
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # of OpenAI's CLIP
TEMPLATES = ("{}", "a photo of a {}.", "a video of {}.", "a photo of a person doing {}.")
LABELED = ("ucf101_mini", "hmdb51_mini")
FRAME_STEP, SHORT_SIDE, MOST_FRAMES = 6, 160, 64  # 4 or 5 frames a second
CROPS, MIXED_SHARE = 6_400, 0.3
BATCH, TEXT_BATCH, LEARNING_RATE, WARMUP_STEPS, WEIGHT_DECAY = 64, 256, 1e-3, 100, 0.05
SEED, NO_TEXT = 0, -1

Picture = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clip:
    """A video to learn from, and the class or caption that is known of it, "" for none."""

    path: Path
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """What the student learns from.

    Attributes:
        pictures: uint8 (N, STORED, STORED, 3).
        picture_embeddings: `starter`'s, float32 (N, 384), of length 1.
        labels: of each picture, a number into `captions`, or NO_TEXT; int64 (N,).
        captions: the classes and captions of the clips.
        phrases: token ids int64 (P, 77).
        phrase_embeddings: `starter`'s less their mean, float32 (P, 384), of length 1.
    """

    pictures: Tensor
    picture_embeddings: Tensor
    labels: Tensor
    captions: tuple[str, ...]
    phrases: Tensor
    phrase_embeddings: Tensor


def main() -> None:
    """Trains, writes the folder, and prints what the model can."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1000)
    arguments = parser.parse_args()
    show_machine()
    torch.set_num_threads(1)  # sums are then always taken in the same order
    torch.manual_seed(SEED)
    started = time.perf_counter()
    lessons = make_lessons(find_clips(arguments.videos))
    print(f"{len(lessons.pictures)} pictures, {len(lessons.phrases)} phrases")
    network = untrained_clip()
    train(network, lessons, arguments.steps)
    print(f"{arguments.steps} steps; {(time.perf_counter() - started) / 60:.0f} minutes in all")
    write_folder(arguments.output, network)
    show_quality(arguments.output, arguments.videos)


def find_clips(videos: Path) -> list[Clip]:
    """All videos but the Weizmann actions, in order of path."""
    with (videos / "search" / "captions.csv").open(newline="") as file:
        clips = [Clip(videos / "search" / row["file"], row["caption"]) for row in csv.DictReader(file)]
    for name in LABELED:
        paths = sorted((videos / "actions" / name).glob("*/*"))
        clips += [Clip(path, clean_class_name(path.parent.name).lower()) for path in paths]
    return clips + [Clip(path) for path in sorted((videos / "odd").glob("*/*"))]


def make_lessons(clips: Sequence[Clip]) -> Lessons:
    """Cuts pictures, gathers phrases, and asks `starter` about both."""
    load_encoder(
        resolve_model("starter"), "cpu"
    )  # compiles it, if need be; what is read back rounds in another way
    teacher = load_encoder(resolve_model("starter"), "cpu")
    frames, texts = read_frames(clips)
    captions = tuple(sorted({clip.text for clip in clips if clip.text}))
    numbers = np.array([captions.index(text) if text else NO_TEXT for text in texts])
    generator = np.random.default_rng(SEED)
    pictures, embeddings, labels = [], [], []
    for _ in range(CROPS // BATCH):
        chosen = generator.integers(len(frames), size=BATCH)
        cut = np.stack([random_crop(frames[number], teacher.geometry.width, generator) for number in chosen])
        known = mix_some(cut, numbers[chosen], generator)
        embeddings.append(torch.from_numpy(teacher.encode_frames(cut)))
        pictures += [scaled(picture, STORED) for picture in cut]
        labels.append(torch.from_numpy(known))
    phrases = all_phrases(captions)
    return Lessons(
        torch.from_numpy(np.stack(pictures)),
        unit_length(torch.cat(embeddings)),
        torch.cat(labels),
        captions,
        tokenized(phrases),
        centred_texts(teacher, phrases),
    )


def read_frames(clips: Sequence[Clip]) -> tuple[list[Picture], list[str]]:
    """Frames of the videos that can be read, uint8 (H, W, 3), each with the text of its clip."""
    frames: list[Picture] = []
    texts: list[str] = []
    for clip in clips:
        try:
            read = read_clip(
                clip.path, lambda total: np.arange(0, total, FRAME_STEP)[:MOST_FRAMES], SHORT_SIDE
            )
        except UnreadableVideo:
            continue
        frames += list(read)
        texts += [clip.text] * len(read)
    print(f"{len(frames)} frames")
    return frames, texts


def random_crop(frame: Picture, size: int, generator: np.random.Generator) -> Picture:
    """A part of a frame, a quarter of its short side or more, of any place: uint8 (size, size, 3)."""
    height, width = frame.shape[:2]
    side = min(height, width) * generator.uniform(0.25, 1.0)
    wide, high = (min(side * generator.uniform(0.8, 1.25), most) for most in (width, height))
    left, top = generator.uniform(0, width - wide), generator.uniform(0, height - high)
    return scaled(frame, size, (left, top, left + wide, top + high))


def scaled(picture: Picture, size: int, box: tuple[float, float, float, float] | None = None) -> Picture:
    """A picture, or what lies in the box, as a square."""
    resized = Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC, box=box)
    return np.asarray(resized)


def mix_some(pictures: Picture, labels: Labels, generator: np.random.Generator) -> Labels:
    """Blend some pictures (N, S, S, 3) with their neighbours in place, and return labels that know nothing of those."""
    is_mixed = generator.random(len(pictures)) < MIXED_SHARE
    neighbours = np.roll(pictures, 1, axis=0)[is_mixed]
    shares = generator.uniform(0.5, 1.0, (len(neighbours), 1, 1, 1)).astype(np.float32)
    pictures[is_mixed] = np.rint(shares * pictures[is_mixed] + (1 - shares) * neighbours)
    return np.where(is_mixed, NO_TEXT, labels)


def all_phrases(captions: Sequence[str]) -> list[str]:
    """Names of actions and things, and captions, each as it is and in templates."""
    sets = ("ucf101", "hmdb51", "k400", "k600")
    actions = [clean_class_name(name).lower() for set_name in sets for name in class_names_of(set_name)]
    things = [description.partition(":")[0] for description in concept_descriptions()]
    names = dict.fromkeys([*actions, *things, *captions])
    return [template.format(name) for template in TEMPLATES for name in names]


def centred_texts(teacher: ViFiEncoder, phrases: Sequence[str]) -> Tensor:
    """What `starter` says of phrases, less what it says of all alike: float32 (P, 384), of length 1."""
    batches = [phrases[start : start + TEXT_BATCH] for start in range(0, len(phrases), TEXT_BATCH)]
    embeddings = torch.from_numpy(np.concatenate([teacher.encode_texts(batch) for batch in batches]))
    return unit_length(embeddings - embeddings.mean(0))


def tokenized(phrases: Sequence[str]) -> Tensor:
    """Token ids int64 (P, 77)."""
    declare_missing_operators()
    import open_clip

    tokens: Tensor = open_clip.SimpleTokenizer()(list(phrases))
    return tokens


def untrained_clip() -> ViFiCLIP:
    """The student with random weights."""
    declare_missing_operators()
    from open_clip.model import CustomTextCLIP

    towers = CustomTextCLIP(**{key: value for key, value in ARCHITECTURE.items() if key != "custom_text"})
    accept_cut_context(towers.text)
    return ViFiCLIP(towers.visual, towers.text, towers.logit_scale)


def train(network: ViFiCLIP, lessons: Lessons, steps: int) -> None:
    """Takes the steps, the learning rate rising and then falling along a cosine."""
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    rises = torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=WARMUP_STEPS)
    falls = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps - WARMUP_STEPS, 1))
    schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [rises, falls], [WARMUP_STEPS])
    sums = torch.zeros(3)
    for step in range(1, steps + 1):
        losses = losses_of_step(network, lessons)
        optimizer.zero_grad()
        losses.sum().backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        sums += losses.detach()
        if step % 100 == 0:
            image, text, contrast = (sums / 100).tolist()
            print(f"step {step}: image {image:.3f}, text {text:.3f}, contrast {contrast:.3f}", flush=True)
            sums.zero_()


def losses_of_step(network: ViFiCLIP, lessons: Lessons) -> Tensor:
    """Three losses, float32 (3,): distance from `starter` of pictures and of phrases, pictures among captions."""
    chosen = torch.randint(len(lessons.pictures), (BATCH,))
    images = unit_length(network.visual(augmented(lessons.pictures[chosen])))
    phrases = torch.randint(len(lessons.phrases), (BATCH,))
    template = TEMPLATES[int(torch.randint(len(TEMPLATES), ()))]
    captions = tokenized([template.format(caption) for caption in lessons.captions])
    tokens = cut_context(torch.cat([lessons.phrases[phrases], captions]), TEXT)
    texts = network.encode_classes(tokens)
    logits = network.logit_scale.exp().clamp(max=100) * images @ texts[BATCH:].T
    return torch.stack(
        [
            1 - (images * lessons.picture_embeddings[chosen]).sum(-1).mean(),
            1 - (texts[:BATCH] * lessons.phrase_embeddings[phrases]).sum(-1).mean(),
            0.2 * F.cross_entropy(logits, lessons.labels[chosen], ignore_index=NO_TEXT),
        ]
    )


def augmented(pictures: Tensor) -> Tensor:
    """Pictures uint8 (N, STORED, STORED, 3), shifted, mirrored and tinted at random: float32 (N, 3, SIZE, SIZE)."""
    top, left = torch.randint(STORED - SIZE + 1, (2,)).tolist()
    images = pictures[:, top : top + SIZE, left : left + SIZE].permute(0, 3, 1, 2).float() / 255
    is_mirrored = torch.rand(len(images), 1, 1, 1) < 0.5
    images = torch.where(is_mirrored, images.flip(-1), images)
    gains = 1 + 0.2 * torch.randn(len(images), 1, 1, 1) + 0.05 * torch.randn(len(images), 3, 1, 1)
    shifts = 0.1 * torch.randn(len(images), 1, 1, 1)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return ((images * gains + shifts).clamp(0, 1) - mean) / std


def write_folder(folder: Path, network: ViFiCLIP) -> None:
    """Writes a folder as open_clip does."""
    folder.mkdir(parents=True, exist_ok=True)
    preprocessing = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"}
    content = {"model_cfg": ARCHITECTURE, "preprocess_cfg": preprocessing}
    (folder / "open_clip_config.json").write_text(json.dumps(content, indent=2) + "\n")
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_weights(weights, folder / "open_clip_model.safetensors")


def show_quality(folder: Path, videos: Path) -> None:
    """Prints how it does on the Weizmann actions, which it never saw, on captions that it did, and how fast it is."""
    encoder = load_encoder(resolve_model(str(folder)), "cpu")
    clips = sorted((videos / "actions" / "weizmann").glob("*/*"))
    truth = np.array([list(DESCRIPTIONS).index(clip.parent.name) for clip in clips])
    scores = embed_clips(encoder, clips) @ encoder.encode_texts(list(DESCRIPTIONS.values())).T
    top1 = (scores.argmax(1) == truth).mean()
    print(f"Weizmann zero-shot top-1: {top1:.3f} of {len(clips)} (chance {1 / len(DESCRIPTIONS):.3f})")
    count, *recalls = retrieval(encoder)
    print(f"captions of {count} clips learned from: R@1, R@5, R@10 {', '.join(recalls)}")
    pixels = np.random.default_rng(SEED).integers(0, 256, (8, SIZE, SIZE, 3), np.uint8)
    (rate,) = fastest_rates([encoder.encode_frames], pixels)
    print(f"a clip of {len(pixels)} frames: {1000 * len(pixels) / rate:.1f} ms, {encoder.description}")


if __name__ == "__main__":
    main()
