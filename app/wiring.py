"""Settings to adapters: the one place that chooses implementations, shared by every composition root."""

from app.domain import EncoderInfo
from app.ports import AudioProbe, AudioStore, Database, Doorbell, VectorIndex
from app.settings import Settings


def open_database(settings: Settings) -> Database:
    """Open the configured database; the embedded default creates and migrates its file."""
    from app.adapters.sql_database import SqlDatabase

    return SqlDatabase(settings.resolved_database_url)


def open_audio_store(settings: Settings) -> AudioStore:
    """Open the configured audio store."""
    from app.adapters.audio_store import open_store

    return open_store(settings.resolved_audio_url)


def open_doorbell(settings: Settings) -> Doorbell:
    """Open the Redis doorbell, or one that nobody hears."""
    from app.adapters.doorbell import RedisDoorbell, SilentDoorbell

    return RedisDoorbell(settings.redis_url) if settings.redis_url else SilentDoorbell()


def open_probe(settings: Settings) -> AudioProbe:
    """Start the probing process."""
    from app.adapters.audio_probe import SubprocessProbe

    return SubprocessProbe(time_limit_s=min(60.0, settings.max_duration_s))


def new_index(settings: Settings, encoder: EncoderInfo) -> VectorIndex:
    """Make an empty index for an encoder."""
    if settings.index == "memory":
        from app.adapters.memory_index import MemoryIndex

        return MemoryIndex(encoder)
    from app.adapters.faiss_index import FaissIndex

    return FaissIndex(encoder)
