"""Which of the moments that were named, or that came from elsewhere, are cut."""

from collections import Counter
from dataclasses import dataclass, replace

from vifi_cli.api.cut.moments import TitledMoments
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.video_filter import EVERY_VIDEO, VideoFilter
from vifi_cli.index.search.threshold import reaches
from vifi_cli.video.files.content import video_status
from vifi_cli.video.moment import Moment


@dataclass(frozen=True, slots=True)
class MomentLimits:
    """Conditions on moments, in the order in which they come; the default has none."""

    top: int = 0  # maximum number of moments; 0 for all
    per_video: int = 0  # maximum number of moments of one video; 0 for all
    min_score: float | None = None
    among: VideoFilter = EVERY_VIDEO  # by path and time of change

    def applied(self, found: TitledMoments) -> TitledMoments:
        """The moments that meet the conditions; raises InvalidInput if they have no scores to compare."""
        kept, of_video = list[Moment](), Counter[object]()
        for moment in found.moments:
            if not self._accepts(moment) or (self.per_video and of_video[moment.path] == self.per_video):
                continue
            of_video[moment.path] += 1
            kept.append(moment)
        return replace(found, moments=tuple(kept[: self.top] if self.top else kept))

    def _accepts(self, moment: Moment) -> bool:
        if self.min_score is not None:
            if moment.score is None:
                raise InvalidInput(
                    f"{moment.path} comes without a score: omit --min-score, or name moments by a search"
                )
            if not reaches(moment.score, self.min_score):
                return False
        return self.among.matches_path(moment.path) and self._is_of_time(moment)

    def _is_of_time(self, moment: Moment) -> bool:
        """Whether the file was changed at the time asked for; one that is not there is reported when it is cut."""
        first, end = self.among.changed_from_ns, self.among.changed_before_ns
        if first is None and end is None:
            return True
        try:
            changed = video_status(moment.path).st_mtime_ns
        except OSError:
            return True
        return (first is None or changed >= first) and (end is None or changed < end)
