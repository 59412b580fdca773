"""The place of this process among those that torchrun started, from its variables; without torch."""

import os
from dataclasses import dataclass
from typing import Self

from vifi_cli.errors import InvalidInput

TORCHRUN = "start the processes with `torchrun --nproc-per-node N -m vifi_cli ...`"
HIGHEST_PORT = 65535  # torch waits five minutes for a higher one
MOST_PROCESSES = 999_999_999
LONGEST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Launch:
    """The place of a process among those of a run; one that nobody launched is alone."""

    rank: int = 0  # of this one, from 0
    count: int = 1
    local_rank: int | None = None  # among those of this machine, if the launcher says so
    local_count: int | None = None  # of those on this machine, the same

    @classmethod
    def of(cls, rank: int, count: int) -> Self:
        """A place by what each launcher sets."""
        if rank >= count:
            raise InvalidInput(
                f"RANK is {rank}, but WORLD_SIZE is {count}, so ranks end at {count - 1}: {TORCHRUN}"
            )
        local_rank = _number("LOCAL_RANK") if os.environ.get("LOCAL_RANK") else None
        local_count = _number("LOCAL_WORLD_SIZE", least=1) if os.environ.get("LOCAL_WORLD_SIZE") else None
        return cls(rank, count, local_rank, local_count)

    @property
    def meeting_point(self) -> str:
        """The address and port where the processes find each other."""
        return f"{os.environ.get('MASTER_ADDR', '')}:{os.environ.get('MASTER_PORT', '')}"

    def why_not_joined(self, reason: str) -> str:
        """Why the processes did not find each other, in words, from torch's own reason."""
        if "EADDRINUSE" in reason or "in use" in reason:
            return (
                f"{self.meeting_point} is in use, perhaps by another run: name a free port with torchrun's "
                "--master-port, or in MASTER_PORT"
            )
        return (
            f"process {self.rank} of {self.count} cannot reach the others at {self.meeting_point}: check that all are "
            f"started, and MASTER_ADDR and MASTER_PORT; {TORCHRUN}"
        )


def read_launch() -> Launch:
    """The place of this process; alone without WORLD_SIZE, whatever another program left in RANK.

    Raises:
        InvalidInput: the variables make no sense together.
    """
    if not os.environ.get("WORLD_SIZE"):
        return Launch()
    count = _number("WORLD_SIZE", least=1)
    if count == 1:
        return Launch.of(_number("RANK") if os.environ.get("RANK") else 0, 1)
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if missing:
        raise InvalidInput(
            f"WORLD_SIZE is {count}, but {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: "
            f"{TORCHRUN}, or unset WORLD_SIZE for a single one"
        )
    _number("MASTER_PORT", least=1, most=HIGHEST_PORT)
    return Launch.of(_number("RANK"), count)


def may_start_again() -> bool:
    """Whether a launcher may start this very command again: torchrun on --max-restarts, or SLURM that has requeued it.

    The number of restarts does not tell whether this is the first start: torchrun does not count those that another
    machine causes.
    """
    return bool(os.environ.get("TORCHELASTIC_RUN_ID")) or os.environ.get("SLURM_RESTART_COUNT", "0") != "0"


def must_name_output() -> bool:
    """Whether a run needs a folder with a name, because a second start would make another one."""
    return os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0") != "0"


def _number(name: str, least: int = 0, most: int = MOST_PROCESSES) -> int:
    text = os.environ[name].strip()
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_PROCESSES))
    if not (is_number and least <= int(text) <= most):
        shown = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
        limit = f"of at least {least}" if most == MOST_PROCESSES else f"from {least} to {most}"
        raise InvalidInput(
            f"{name} is {shown!r}, which is not a whole number {limit}: {TORCHRUN}, or unset WORLD_SIZE"
        )
    return int(text)
