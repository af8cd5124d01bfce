"""The artifact of a run: its best network, in half precision, and what it was learnt from."""

from collections.abc import Mapping
from pathlib import Path

from models.artifact import write_artifact
from models.encoder import EncoderManifest
from models.runs.half_tensors import half_tensors
from models.runs.network_trainer import NetworkTrainer
from models.wavenet.encoder import PREFIX, RADIUS, described
from models.wavenet.sphere import REACH
from models.wavenet.training.ranking_lesson import RankingBatch, RankingLesson


def export(
    trainer: NetworkTrainer[RankingBatch],
    lesson: RankingLesson,
    out: Path,
    *,
    version: str,
    facts: Mapping[str, object],
) -> EncoderManifest:
    """Go back to the best epoch, judge it as an artifact holds it, and write it.

    Args:
        trainer: Of the run.
        lesson: What was learnt.
        out: Folder of the artifact.
        version: Of it.
        facts: More for its manifest: command, configuration, data, what came before.

    Raises:
        ArtifactUnwritable: The folder cannot be written.
        TrainingInterrupted: Signals are gone.
    """
    epoch = trainer.restore_best()
    held_out = {name: round(figure, 4) for name, figure in trainer.judge().items()}
    tensors = {f"{PREFIX}{name}": tensor for name, tensor in half_tensors(lesson.network).items()}
    if lesson.network.settings.similarity == "euclidean":
        tensors[RADIUS] = REACH * lesson.longest_embedding()
    manifest = described(lesson.network.settings, version, {**facts, "epoch": epoch, "held out": held_out})
    return write_artifact(out, manifest, tensors)
