"""Settings to adapters: the one place that chooses implementations, shared by every composition root."""

from functools import partial
from typing import TYPE_CHECKING

from app.domain import EncoderInfo
from app.errors import ConfigurationError
from app.ports import (
    AudioProbe,
    AudioStore,
    Doorbell,
    IndexFactory,
    Ports,
    RateLimiter,
    VectorIndex,
    WebhookSender,
    WorkerSupervisor,
)
from app.settings import Settings

if TYPE_CHECKING:
    from app.adapters.milvus_server import MilvusServer
    from app.adapters.sql_database import SqlDatabase


def open_database(settings: Settings) -> "SqlDatabase":
    """Open the configured database; the embedded default creates and migrates its file."""
    from app.adapters.sql_database import SqlDatabase

    make_data_dir(settings)
    return SqlDatabase(settings.resolved_database_url)


def make_data_dir(settings: Settings) -> None:
    """Make the data directory. Raises ``ConfigurationError`` where that is not possible."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {settings.data_dir.absolute()} cannot be made ({error}). "
            "Name one that can be written with SOUNDKIN_DATA_DIR."
        ) from error


def open_audio_store(settings: Settings) -> AudioStore:
    """Open the configured audio store."""
    from app.adapters.audio_store import open_store

    return open_store(settings.resolved_audio_url)


def open_doorbell(settings: Settings) -> Doorbell:
    """Open the Redis doorbell, or one that nobody hears."""
    from app.adapters.doorbell import RedisDoorbell, SilentDoorbell

    try:
        return RedisDoorbell(settings.redis_url) if settings.redis_url else SilentDoorbell()
    except ValueError as error:
        raise _unreadable_redis_url(error) from error


def open_limiter(settings: Settings) -> RateLimiter:
    """Open what counts requests: in Redis for all web processes together, or in this one."""
    from app.adapters.rate_limiter import MemoryRateLimiter, RedisRateLimiter

    try:
        return RedisRateLimiter(settings.redis_url) if settings.redis_url else MemoryRateLimiter()
    except ValueError as error:
        raise _unreadable_redis_url(error) from error


def _unreadable_redis_url(error: ValueError) -> ConfigurationError:
    return ConfigurationError(f"SOUNDKIN_REDIS_URL cannot be read ({error}): expected redis://host:6379/0.")


def open_sender(settings: Settings) -> WebhookSender:
    """Prepare what sends messages to webhooks."""
    from app.adapters.webhook_guard import Guard
    from app.adapters.webhooks import HttpWebhookSender

    return HttpWebhookSender(Guard(settings.webhook_hosts, private=settings.webhook_private))


def open_probe() -> AudioProbe:
    """Prepare the probing processes."""
    from app.adapters.audio_probe import SubprocessProbe

    return SubprocessProbe()


def open_worker(settings: Settings) -> WorkerSupervisor | None:
    """Prepare the supervisor of the embedded worker, where one is wanted."""
    from app.adapters.worker_process import WorkerProcess

    return WorkerProcess(grace_s=settings.drain_s) if settings.embedded_worker else None


def open_ports(settings: Settings) -> Ports:
    """Open everything that the web process needs of the outside."""
    return Ports(
        database=open_database(settings),
        store=open_audio_store(settings),
        probe=open_probe(),
        doorbell=open_doorbell(settings),
        new_index=index_factory(settings),
        limiter=open_limiter(settings),
        sender=open_sender(settings),
        worker=open_worker(settings),
    )


def index_factory(settings: Settings) -> IndexFactory:
    """Return what makes empty indexes."""
    return _milvus_factory(settings) if settings.index == "milvus" else partial(_new_index, settings)


def _new_index(settings: Settings, _library_id: str, encoder: EncoderInfo) -> VectorIndex:
    if settings.index == "memory":
        from app.adapters.memory_index import MemoryIndex

        return MemoryIndex(encoder)
    from app.adapters.faiss_index import FaissIndex
    from app.adapters.gpu_mirror import find_device

    return FaissIndex(encoder, settings.index_recall, find_device(settings.index_device))


def _milvus_factory(settings: Settings) -> IndexFactory:
    server = open_milvus(settings)
    from app.adapters.milvus_index import MilvusIndex

    return lambda library_id, encoder: MilvusIndex(server, library_id, encoder, settings.index_recall)


def open_milvus(settings: Settings) -> "MilvusServer":
    """Prepare the connection to Milvus, which is made when it is needed."""
    try:
        from app.adapters.milvus_server import MilvusServer
    except ImportError as error:
        raise ConfigurationError(
            f"SOUNDKIN_INDEX=milvus needs its client ({error}): pip install soundkin[milvus]."
        ) from error
    token = settings.milvus_token
    return MilvusServer(settings.milvus_url, token.get_secret_value() if token else None)
