"""The state from which `--resume` continues a run exactly, in one file that is replaced atomically."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vifi_cli.errors import InvalidInput
from vifi_cli.model.weights.weights_file import save_weights
from vifi_cli.paths import replacing
from vifi_cli.training.engine.learner import Learner

MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run has come."""

    step: int = 0  # optimizer steps done since the run began
    best_score: float = -1.0  # of the best validation so far; below 0 before the first
    best_epoch: int = 0  # of that validation, from 1
    epoch_loss: float = 0.0  # sum over the steps of this epoch


def save_training_state(path: Path, learner: Learner, progress: RunProgress) -> None:
    """Write weights, averages and the optimizer's moments; if that fails, the previous file stays."""
    copies = copied_state(learner)
    with replacing(path) as temporary:
        facts = {"progress": asdict(progress), "scaler": learner.scaler.state_dict()}
        save_weights(copies, temporary, {"facts": json.dumps(facts)})


def copied_state(learner: Learner) -> dict[str, Tensor]:
    """Copies, in main memory, of all tensors that a state holds."""
    tensors = {f"weights.{name}": tensor for name, tensor in learner.state().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in learner.average.items()}
    for name, parameter in learner.tuned.items():
        memory = learner.optimizer.state.get(parameter, {})
        tensors |= {f"{moment}.{name}": memory[moment] for moment in MOMENTS if moment in memory}
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}


def restore_training_state(path: Path, learner: Learner) -> RunProgress:
    """Restore a learner, and return how far the run had come; only the first process reads the file.

    Raises:
        InvalidInput: nothing was saved, or it belongs to another model.
    """
    processes, tensors = learner.processes, dict[str, Tensor]()

    def read() -> tuple[RunProgress, dict[str, Any]]:
        progress, scaler, saved = _read_state(path, learner)
        tensors.update(saved)
        return progress, scaler

    progress, scaler = processes.from_first(read)
    tensors = processes.share_tensors(tensors)
    learner.network.load_state_dict(_under("weights.", tensors), strict=False)
    for name, average in _under("average.", tensors).items():
        learner.average[name].copy_(average)
    moments = {moment: _under(f"{moment}.", tensors) for moment in MOMENTS}
    for name, parameter in learner.tuned.items():
        if name in moments["step"]:
            learner.optimizer.state[parameter] = {
                moment: _placed(moments[moment][name], moment, parameter, learner) for moment in MOMENTS
            }
    if learner.scaler.is_enabled():
        learner.scaler.load_state_dict(scaler)
    return progress


def _read_state(path: Path, learner: Learner) -> tuple[RunProgress, dict[str, Any], dict[str, Tensor]]:
    """The progress, the state of the scaler, and the tensors of a file, which must fit the learner."""
    try:
        with safe_open(path, framework="pt") as file:
            progress, facts = _progress_of(file.metadata())
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        shapes = {name: tensor.shape for name, tensor in _under("weights.", tensors).items()}
        if shapes != {name: tensor.shape for name, tensor in learner.state().items()}:
            raise KeyError("weights")
        return progress, facts["scaler"], tensors
    except FileNotFoundError as error:
        raise InvalidInput(
            f"{path.parent} cannot be resumed: nothing has been saved in it yet; delete it and start again"
        ) from error
    except (SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise InvalidInput(f"{path} is damaged or belongs to another model: start a new run") from error


def steps_done(path: Path) -> int:
    """How many steps a run continues after; 0 if nothing is saved that it can continue from."""
    try:
        with safe_open(path, framework="pt") as file:
            return _progress_of(file.metadata())[0].step
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return 0


def _progress_of(metadata: dict[str, str]) -> tuple[RunProgress, dict[str, Any]]:
    """The progress and all facts of a state."""
    facts = json.loads(metadata["facts"])
    saved = facts["progress"]
    saved.setdefault("best_score", saved.pop("best_top1", -1.0))  # its former name
    return RunProgress(**saved), facts


def _placed(tensor: Tensor, moment: str, parameter: Tensor, learner: Learner) -> Tensor:
    """A moment on the parameter's device, where AdamW expects it; the count of steps only if AdamW is fused."""
    if moment == "step" and not learner.optimizer.defaults["fused"]:
        return tensor
    return torch.empty_like(parameter).copy_(tensor) if tensor.ndim else tensor.to(parameter.device)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
