"""What `improve` would take, without training or writing anything but caches."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli import paths
from vifi_cli.api.evaluation.searched.tested_index import temporary_index
from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.library.encoders import load_both_sides
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.improvement.improve import write_table
from vifi_cli.api.teaching.improvement.plan import (
    ImprovementPlan,
    ImprovementRequest,
    plan_improvement,
    training_changes,
)
from vifi_cli.api.training.estimate import PlannedRun, estimate_training
from vifi_cli.index.catalog.catalog import Catalog

TIMED_VIDEOS, LONGEST_SECONDS = 6, 60.0


@dataclass(frozen=True, slots=True)
class ImprovementEstimate:
    """A plan, and about how long it would take."""

    plan: ImprovementPlan
    training: PlannedRun
    trial_seconds: float  # to encode the sample with a model that is tried
    rebuild_seconds: float  # to make the index again; 0 where it stays valid

    @property
    def seconds(self) -> float:
        """Everything, if no averages need to be tried."""
        return self.training.estimate.seconds.total + self.trial_seconds + self.rebuild_seconds


def estimate_improvement(request: ImprovementRequest, feedback: Feedback = AUTOMATIC) -> ImprovementEstimate:
    """Plans an improvement and takes a few steps; arguments and errors are those of `improve`."""
    with (
        SearchSession(paths.index_folder(), feedback) as session,
        tempfile.TemporaryDirectory() as folder,
    ):
        plan = plan_improvement(session, request, feedback)
        elsewhere = replace(plan, folder=Path(folder), table=Path(folder) / plan.table.name)
        write_table(elsewhere)
        function, options = training_changes(plan, request)
        (training,) = estimate_training(
            elsewhere.table,
            plan.start,
            function=function,
            device=request.device,
            feedback=feedback,
            **options,
        )
        if not plan.needs_new_index:
            return ImprovementEstimate(plan, training, 0.0, 0.0)
        pace = _pace(plan, session.index.catalog, request.device, feedback)
        return ImprovementEstimate(plan, training, pace * plan.sample_seconds, pace * plan.index_seconds)


def _pace(plan: ImprovementPlan, catalog: Catalog, device: str, feedback: Feedback) -> float:
    """Seconds to encode a second of video: what a few videos take longer than one of them, which starts the workers."""
    lengths = {video.path: video.duration_seconds for video in catalog.videos()}
    by_length = sorted(plan.examination.old.videos, key=lambda path: lengths[path])
    few = [path for path in by_length if lengths[path] <= LONGEST_SECONDS][-TIMED_VIDEOS:] or by_length[:1]
    encoder = load_both_sides(fetch_model(plan.present, feedback), device, feedback)

    def timed(videos: Sequence[Path]) -> float:
        started = time.perf_counter()
        with temporary_index(videos, encoder, catalog, feedback):
            return time.perf_counter() - started

    one, all_of_them = timed(few[:1]), timed(few)
    if len(few) == 1:
        return one / max(lengths[few[0]], 0.001)
    return max(all_of_them - one, 0.0) / max(sum(lengths[path] for path in few[1:]), 0.001)
