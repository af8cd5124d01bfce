"""The error tree of the models package.

ModelError
├── AudioUnreadable        the bytes are not audio that can be used, with the reason
├── WaveformTooShort       fewer samples than an encoder needs
├── ArtifactInvalid        a manifest or weights file that is missing, damaged or of another encoder
├── ArtifactUnwritable     there is no place for an artifact, or something else is there
├── UnknownEncoder         no encoder is registered under this name
├── TrainingImpossible     too little that can be learnt from
└── DeviceUnavailable      the device that was asked for is not there
"""


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
