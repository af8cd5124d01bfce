"""The artifact of a run: the mixture after its last epoch, what its components mean, and where it comes from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from models.artifact import write_artifact
from models.component_meaning import ComponentMeaning
from models.encoder import EncoderManifest, Space
from models.hdpgmm.encoder import COMPONENTS, DESCRIPTION, NAME, SPACE, settings_statement
from models.hdpgmm.tag_table import meanings
from models.hdpgmm.tensors import mixture_tensors
from models.hdpgmm.training.trainer import MixtureTrainer
from models.runs.tracks import CorpusTrack, Tracks
from models.song_frames import SAMPLE_RATE_HZ

MIN_TRACKS_PER_TAG = 5
"""Of fewer nothing can be said."""


def component_meanings(trainer: MixtureTrainer, tracks: Sequence[CorpusTrack]) -> list[ComponentMeaning]:
    """What the components mean by the tags of the tracks that were learnt from; without tags, only their shares."""
    tags = [frozenset().union(*track.track.tags.values()) for track in tracks]
    counts = Counter(tag for own in tags for tag in own)
    names = sorted(tag for tag, count in counts.items() if count >= MIN_TRACKS_PER_TAG)
    has = np.array([[name in own for name in names] for own in tags], np.bool_).reshape(len(tracks), len(names))
    return meanings(trainer.shares([track.entry for track in tracks]), has, names)


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
        settings=settings_statement(config.mixture, trainer.certainty()),
        training={
            "command": command,
            "config": config.model_dump(mode="json"),
            "data": {name: asdict(facts) for name, facts in tracks.domains.items()},
            "epoch": trainer.epochs_done,
            "bound per frame, held out": round(trainer.held_out(), 4),
            COMPONENTS: [asdict(meaning) for meaning in component_meanings(trainer, tracks.train)],
        },
    )
    tensors = mixture_tensors(trainer.mixture.posterior, trainer.whitening)
    return write_artifact(out, manifest, {name: tensor.float() for name, tensor in tensors.items()})
