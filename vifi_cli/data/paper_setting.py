"""The settings of the ViFi-CLIP paper, which `--setting` names."""

import re
from dataclasses import dataclass
from typing import Literal, Self, get_args

from vifi_cli.errors import InvalidInput

SettingName = Literal["supervised", "few-shot", "base2novel", "novel", "zero-shot"]
PAPER_BASE_SHOTS = 16
PAPER_SEEDS = (1, 2, 3)
TEST_ONLY: tuple[SettingName, ...] = ("novel", "zero-shot")
_FEW_SHOT = re.compile(r"few-shot-(\d+)")


@dataclass(frozen=True, slots=True)
class Setting:
    """Which classes and how many training videos a run learns from.

    `base2novel` has the base classes. `novel` has the others and only tests, as `zero-shot` does.
    """

    name: SettingName = "supervised"
    shots: int | None = None  # training videos per class, of few-shot and base2novel; None for the paper's

    def __post_init__(self) -> None:
        if self.name not in get_args(SettingName):
            raise InvalidInput(
                f"--setting {self.name}: the settings are supervised, few-shot-K, base2novel, novel and zero-shot"
            )
        if self.shots is not None and self.name not in ("few-shot", "base2novel"):
            raise InvalidInput(f"the setting {self.name} does not go with a number of shots")
        if self.shots is not None and self.shots < 1:
            raise InvalidInput(f"--setting {self} leaves nothing to train on: use 1 video per class or more")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `few-shot-4`, or the name of a setting.

        Raises:
            InvalidInput: there is no such setting.
        """
        if match := _FEW_SHOT.fullmatch(text):
            return cls("few-shot", int(match[1]))
        return cls(text)  # type: ignore[arg-type]  # checked when it is made

    @property
    def tests_last_epoch(self) -> bool:
        """Whether the published protocol tests the last epoch, not the best one.

        Source: `docs/TRAIN.md` names `ckpt_epoch_10` of 11 for base-to-novel, and `main.py` tests several views after
        the last epoch. For the other settings, the published code keeps the best epoch as `best.pth`.
        """
        return self.name in ("supervised", "base2novel")

    def __str__(self) -> str:
        return self.name if self.shots is None else f"{self.name}-{self.shots}"


SUPERVISED = Setting()
