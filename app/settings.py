"""Every setting, in one frozen place, read from the environment (prefix ``SOUNDKIN_``) at the edge only."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.errors import ConfigurationError


def _names(value: object) -> object:
    """Take names as people write them in an environment: with commas between."""
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]


class Settings(BaseSettings):
    """Settings of the web process and of workers; both read the same variables."""

    model_config = SettingsConfigDict(
        env_prefix="SOUNDKIN_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    data_dir: Path = Field(
        default=Path("data"), description="Where the embedded default keeps database, audio, snapshots."
    )
    host: str = Field(
        default="127.0.0.1", description="Address to listen on; others than loopback need a key first."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0: any that is free.")
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL; default: SQLite in the data directory."
    )
    redis_url: str | None = Field(
        default=None, description="Doorbell and shared rate limits; default: none, workers poll."
    )
    audio_url: str | None = Field(
        default=None, description="fsspec URL of the audio store; default: the data directory."
    )
    artifacts_dir: Path | None = Field(default=None, description="More encoder artifacts, beside the shipped ones.")

    encoders: Names = Field(
        default=("librosa", "csn"),
        min_length=1,
        description="What workers load and embed with; commas between. Of a new database the first is the default.",
    )
    device: str = Field(
        default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:N."
    )
    embedded_worker: bool = Field(
        default=True, description="Whether the web process supervises a worker of its own."
    )
    worker_threads: int = Field(
        default=0, ge=0, le=256, description="Tracks in flight per worker; 0: one per core."
    )

    max_upload_bytes: int = Field(default=2 * 1024**3, ge=1024, description="Larger uploads get 413.")
    max_duration_s: float = Field(
        default=1200.0, gt=0, description="Decoding stops here, with a note on the track."
    )
    queue_limit: int = Field(default=10_000, ge=1, description="Waiting uploads above which others get 429.")
    clip_queue_limit: int = Field(default=100, ge=1, description="The same for query clips.")
    clip_ttl_s: float = Field(default=3600.0, gt=0, description="How long a query clip is kept.")
    clip_wait_s: float = Field(default=30.0, ge=0, description="How long a search by audio waits for its clip.")

    lease_s: float = Field(default=12.0, gt=0, description="A worker not heard of for so long is declared dead.")
    beat_s: float = Field(default=3.0, gt=0, description="How often a worker lets itself be heard of.")
    poll_s: float = Field(default=0.2, gt=0, description="How often an idle worker looks for work by itself.")
    job_deadline_s: float = Field(default=900.0, gt=0, description="A job that takes longer is given up.")
    drain_s: float = Field(default=20.0, ge=0, description="Grace period on SIGTERM.")

    index: Literal["faiss", "memory", "milvus"] = Field(default="faiss", description="What holds the vectors.")
    index_device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="Where FAISS searches: auto (a GPU where it sees one), cpu, cuda or cuda:N.",
    )
    index_recall: float = Field(
        default=0.99,
        ge=0.5,
        le=1.0,
        description="Share of the best that a search of a large catalogue finds, by any weights; 1: all of them.",
    )
    milvus_url: str = Field(
        default="http://127.0.0.1:19530",
        pattern=r"^(https?|tcp|unix):|\.db$",
        description="Where Milvus answers; or a file, ending in .db, for Milvus Lite.",
    )
    milvus_token: SecretStr | None = Field(default=None, description="user:password, or an API key.")
    snapshot_s: float = Field(default=300.0, gt=0, description="How often changed indexes are written to disk.")
    rate_limit: int = Field(
        default=1200,
        ge=0,
        description="Requests a minute per key, its sessions included; 0: any number. Not counted without keys.",
    )
    webhook_hosts: Names = Field(
        default=(),
        description="Whom webhooks may tell, commas between: example.org, *.example.org, example.org:8443.",
    )
    webhook_private: bool = Field(
        default=False, description="Whether webhooks may be on this network, and by plain http."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="What is not worth a line in the log."
    )
    log_json: bool = Field(default=False, description="Whether logs are JSON, a line each.")
    admin_key: SecretStr | None = Field(
        default=None, min_length=32, description="An admin key from outside, for the first start."
    )

    @property
    def resolved_database_url(self) -> str:
        """The database to use."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'soundkin.sqlite3').absolute()}"

    @property
    def resolved_audio_url(self) -> str:
        """The audio store to use."""
        return self.audio_url or (self.data_dir / "audio").absolute().as_uri()

    @property
    def snapshot_dir(self) -> Path:
        """Where index snapshots live."""
        return self.data_dir / "index"


def read_settings(**given: Any) -> Settings:  # noqa: ANN401  # values of every setting's type
    """Read the settings; what is given counts more than the environment.

    Raises:
        ConfigurationError: One or more are not valid; every one is named as the variable that sets it.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = "; ".join(f"{variable_of(*fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise ConfigurationError(f"The settings are not valid: {faults}. Correct the variable or .env.") from error


def variable_of(name: int | str, *steps: int | str) -> str:
    """Return the variable that sets this setting, or one part of it."""
    return f"SOUNDKIN_{name}".upper() + "".join(f"[{step}]" for step in steps)
