"""The artifact of a run: the mixture after its last epoch, and where it comes from."""

from dataclasses import asdict
from pathlib import Path

from models.artifact import write_artifact
from models.encoder import EncoderManifest, Space
from models.hdpgmm.encoder import DESCRIPTION, NAME, SPACE, settings_statement
from models.hdpgmm.tensors import mixture_tensors
from models.hdpgmm.training.trainer import MixtureTrainer
from models.runs.tracks import Tracks
from models.song_frames import SAMPLE_RATE_HZ


def export(trainer: MixtureTrainer, tracks: Tracks, out: Path, *, version: str, command: str) -> EncoderManifest:
    """Write the artifact, in single precision.

    Raises:
        ArtifactUnwritable: The folder cannot be written.
        TrainingInterrupted: Frames of validation tracks are gone.
    """
    config = trainer.config
    manifest = EncoderManifest(
        name=NAME,
        version=version,
        digest="",
        spaces=(Space(SPACE, config.mixture.components, DESCRIPTION),),
        sample_rate_hz=SAMPLE_RATE_HZ,
        settings=settings_statement(config.mixture),
        training={
            "command": command,
            "config": config.model_dump(mode="json"),
            "data": {name: asdict(facts) for name, facts in tracks.domains.items()},
            "epoch": trainer.epochs_done,
            "bound per frame, held out": round(trainer.held_out(), 4),
        },
    )
    tensors = mixture_tensors(trainer.mixture.posterior, trainer.whitening)
    return write_artifact(out, manifest, {name: tensor.float() for name, tensor in tensors.items()})
