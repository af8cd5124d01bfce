"""The error tree of the models package.

ModelError
├── AudioUnreadable        the bytes are not audio that can be used, with the reason
├── WaveformTooShort       fewer samples than an encoder needs
├── ArtifactInvalid        a manifest or weights file that is missing, damaged or of another encoder
├── ArtifactUnwritable     there is no place for an artifact, or something else is there
├── UnknownEncoder         no encoder is registered under this name
├── TrainingImpossible     too little that can be learnt from
├── TrainingInterrupted    a run that broke off, with the reason and how to go on
├── ConfigInvalid          a configuration with faults, every one named
├── DatasetInvalid         a manifest or folder with faults, every one named
├── EvaluationImpossible   too little that can be compared, or labels that a question needs are missing
├── ScoreUnreadable        a score that cannot be turned into notes, with the reason
├── PackageUnavailable     a Debian package that cannot be downloaded or read
├── ToolMissing            a program, library or file outside Soundkin that a command needs, with how to get it
└── DeviceUnavailable      the device that was asked for is not there
"""

from collections.abc import Sequence


class ModelError(Exception):
    """Base of every error that this package raises on purpose."""


class AudioUnreadable(ModelError):
    """The bytes are not audio that can be used."""


class WaveformTooShort(ModelError):
    """Fewer samples than an encoder needs."""


class ArtifactInvalid(ModelError):
    """A manifest or weights file that is missing, damaged or of another encoder."""


class ArtifactUnwritable(ModelError):
    """There is no place for an artifact, or something else is there that it would replace."""


class UnknownEncoder(ModelError):
    """No encoder is registered under this name."""


class DeviceUnavailable(ModelError):
    """The device that was asked for is not there."""


class TrainingImpossible(ModelError):
    """Too little that can be learnt from."""


class TrainingInterrupted(ModelError):
    """A run broke off; it goes on from its last checkpoint."""


class ConfigInvalid(ModelError):
    """A configuration that cannot be read, or that says what it cannot."""


class DatasetInvalid(ModelError):
    """A manifest or folder with faults.

    Attributes:
        faults: Every fault found, each saying where it is, what came and what was expected.
    """

    def __init__(self, what: str, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join((what, *(f"  {fault}" for fault in self.faults))))


class EvaluationImpossible(ModelError):
    """Too little that can be compared, or labels that a question needs are missing."""


class ScoreUnreadable(ModelError):
    """A score that cannot be turned into notes."""


class PackageUnavailable(ModelError):
    """A Debian package that cannot be downloaded or read."""


class ToolMissing(ModelError):
    """A program, library or file outside Soundkin that a command needs is not there."""
