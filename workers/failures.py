"""Which errors are worth another try: the table from what was raised to what the queue is told."""

import re

import structlog

from app.errors import Permanent, Transient
from models.errors import AudioUnreadable, WaveformTooShort
from workers.messages import Failure

log = structlog.get_logger(__name__)

_NO_USE = (Permanent, AudioUnreadable, WaveformTooShort)


def failure_of(error: Exception) -> Failure:
    """Say what an error means for its job.

    What Soundkin raised on purpose says itself whether trying again may help. Anything else is a fault in the code
    or a machine short of memory: logged with its trace, and tried again, which the limit of attempts ends.
    """
    if isinstance(error, _NO_USE):
        return Failure(code_of(error), str(error), retry=False)
    if not isinstance(error, Transient):
        log.error("job.error", exc_info=error)
        return Failure("internal", f"{type(error).__name__}: {error}", retry=True)
    return Failure(code_of(error), str(error), retry=True)


def code_of(error: Exception) -> str:
    """The error's name as callers see it: ``AudioUnreadable`` becomes ``audio_unreadable``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
