"""vifi: find the moment in your videos, with CLIP models you can fine-tune.

What the commands do, programs can do too; see docs/python.md:

    from vifi_cli import index_videos, open_index, words

    index_videos("~/videos")
    with open_index() as index:
        for hit in index.search(words("a dog") + words("a beach")):
            print(hit.path, hit.start_seconds, hit.relevance)
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vifi_cli.api.cut.render import cut
    from vifi_cli.api.data import check_data, split_data
    from vifi_cli.api.evaluation.compare import compare
    from vifi_cli.api.evaluation.evaluate import evaluate
    from vifi_cli.api.evaluation.methods.estimate import estimate_evaluation
    from vifi_cli.api.evaluation.searched.moments import evaluate_moments
    from vifi_cli.api.evaluation.searched.retrieval import evaluate_retrieval
    from vifi_cli.api.library.indexing import index_videos
    from vifi_cli.api.models.conversion import export_model, import_model
    from vifi_cli.api.models.merging import merge_models
    from vifi_cli.api.models.mteb_model import mteb_model
    from vifi_cli.api.models.video_model import load_model
    from vifi_cli.api.playback import open_in_player
    from vifi_cli.api.search.open_index import open_index
    from vifi_cli.api.search.query_language import concept, example, words
    from vifi_cli.api.teaching.improvement.improve import improve
    from vifi_cli.api.timeline.files import write_timelines
    from vifi_cli.api.training.bridge import bridge, resume_bridge
    from vifi_cli.api.training.estimate import estimate_training
    from vifi_cli.api.training.finetune import finetune, prompt_tune, resume_training
    from vifi_cli.api.training.runs import draw_runs, list_runs
    from vifi_cli.api.visualization.attention import attention
    from vifi_cli.api.visualization.embedding_map import embed_map
    from vifi_cli.data.source import DataSource
    from vifi_cli.data.splits.plan import SplitPlan
    from vifi_cli.errors import VifiError
    from vifi_cli.index.search.video_index import SearchHit
    from vifi_cli.video.clips.clip_cutting import ClipLength
    from vifi_cli.video.moment import Moment
    from vifi_cli.video.pictures.frames import FrameGeometry

__version__ = "0.1.0"

NO_TELEMETRY = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK")
"""What keeps libraries from reporting their use: ONNX Runtime, the hub's client, and others that heed the last one.

They read it when they are loaded. ONNX Runtime otherwise keeps an identifier of the machine and a queue of events for
Microsoft, on Linux and macOS too.
"""
for _name in NO_TELEMETRY:
    os.environ.setdefault(_name, "1")

WAIT_POLICIES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
"""What decides how threads of OpenMP wait: of GNU's, which torch and FAISS have on Linux, and of LLVM's and Intel's.

They read it when they are loaded, in each process. By default a thread without work spins, so that it can start at
once; where other programs need the processors, all threads then wait for one that is spun out. See
docs/measurements/performance.md.
"""
if not any(os.environ.get(_name) for _name in WAIT_POLICIES):  # libgomp complains of an empty one
    os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}

_HOMES = {
    "ClipLength": "vifi_cli.video.clips.clip_cutting",
    "FrameGeometry": "vifi_cli.video.pictures.frames",
    "DataSource": "vifi_cli.data.source",
    "SplitPlan": "vifi_cli.data.splits.plan",
    "check_data": "vifi_cli.api.data",
    "split_data": "vifi_cli.api.data",
    "Moment": "vifi_cli.video.moment",
    "SearchHit": "vifi_cli.index.search.video_index",
    "VifiError": "vifi_cli.errors",
    "attention": "vifi_cli.api.visualization.attention",
    "bridge": "vifi_cli.api.training.bridge",
    "compare": "vifi_cli.api.evaluation.compare",
    "concept": "vifi_cli.api.search.query_language",
    "cut": "vifi_cli.api.cut.render",
    "draw_runs": "vifi_cli.api.training.runs",
    "embed_map": "vifi_cli.api.visualization.embedding_map",
    "export_model": "vifi_cli.api.models.conversion",
    "import_model": "vifi_cli.api.models.conversion",
    "estimate_evaluation": "vifi_cli.api.evaluation.methods.estimate",
    "estimate_training": "vifi_cli.api.training.estimate",
    "evaluate": "vifi_cli.api.evaluation.evaluate",
    "evaluate_moments": "vifi_cli.api.evaluation.searched.moments",
    "evaluate_retrieval": "vifi_cli.api.evaluation.searched.retrieval",
    "example": "vifi_cli.api.search.query_language",
    "finetune": "vifi_cli.api.training.finetune",
    "improve": "vifi_cli.api.teaching.improvement.improve",
    "index_videos": "vifi_cli.api.library.indexing",
    "merge_models": "vifi_cli.api.models.merging",
    "list_runs": "vifi_cli.api.training.runs",
    "mteb_model": "vifi_cli.api.models.mteb_model",
    "load_model": "vifi_cli.api.models.video_model",
    "open_in_player": "vifi_cli.api.playback",
    "open_index": "vifi_cli.api.search.open_index",
    "prompt_tune": "vifi_cli.api.training.finetune",
    "resume_bridge": "vifi_cli.api.training.bridge",
    "resume_training": "vifi_cli.api.training.finetune",
    "words": "vifi_cli.api.search.query_language",
    "write_timelines": "vifi_cli.api.timeline.files",
}
"""The module of each name, imported when the name is first used, since the program must start fast."""

__all__ = [
    "ClipLength",
    "DataSource",
    "FrameGeometry",
    "Moment",
    "SearchHit",
    "SplitPlan",
    "VifiError",
    "__version__",
    "attention",
    "bridge",
    "check_data",
    "compare",
    "concept",
    "cut",
    "draw_runs",
    "embed_map",
    "estimate_evaluation",
    "estimate_training",
    "evaluate",
    "evaluate_moments",
    "evaluate_retrieval",
    "example",
    "export_model",
    "finetune",
    "import_model",
    "improve",
    "index_videos",
    "list_runs",
    "load_model",
    "merge_models",
    "mteb_model",
    "open_in_player",
    "open_index",
    "prompt_tune",
    "resume_bridge",
    "resume_training",
    "split_data",
    "words",
    "write_timelines",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
