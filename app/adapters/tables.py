"""The tables: one definition for SQLite and PostgreSQL. Rows are called rows; the domain has its own values.

Beside each text that filters and sorting look at stands its folded form (``filters.fold_text``): neither
database ignores the case of all of Unicode by itself, and the two do not agree with each other. Folded text is
ordered by code point on both.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB


class UtcTime(TypeDecorator[datetime]):
    """A moment, with its zone on both databases: SQLite has none of its own and keeps UTC as sortable text."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no zone: moments are stored with theirs, for example UTC.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = Uuid(as_uuid=False)
Json = JSON().with_variant(JSONB(), "postgresql")
Folded = Text().with_variant(Text(collation="C"), "postgresql")
Number = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER counts up by itself on SQLite

library = Table(
    "library",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
)

encoder = Table(
    "encoder",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("version", String(100), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("spaces", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("components", Json, nullable=False, server_default="{}"),
    Column("state", String(20), nullable=False),
    Column("is_default", Boolean, nullable=False),
    UniqueConstraint("name", "digest"),
)

tag_directions = Table(
    "tag_directions",
    metadata,
    Column("encoder_id", Id, ForeignKey("encoder.id"), primary_key=True),
    Column("space", String(100), primary_key=True),
    Column("directions", LargeBinary, nullable=False),  # (Z, d) little-endian float32, Z names in encoder.tags
    Column("scale", LargeBinary, nullable=False),  # (Z,) as directions
    Column("offset", LargeBinary, nullable=False),  # (Z,) as directions
)

Index(
    "uq_encoder_default",
    encoder.c.is_default,
    unique=True,
    sqlite_where=text("is_default"),
    postgresql_where=text("is_default"),
)
Index(
    "uq_encoder_ready_name",
    encoder.c.name,
    unique=True,
    sqlite_where=text("state = 'ready'"),
    postgresql_where=text("state = 'ready'"),
)

track = Table(
    "track",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("id", Id, nullable=False, unique=True),
    Column("library_id", Id, ForeignKey("library.id"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("title", Text),
    Column("title_folded", Folded),
    Column("artist", Text),
    Column("artist_folded", Folded),
    Column("album", Text),
    Column("album_folded", Folded),
    Column("external_id", Text),
    Column("external_id_folded", Folded),
    Column("licence", Text),
    Column("licence_folded", Folded),
    Column("tags", Json, nullable=False),
    Column("tags_folded", Json, nullable=False),
    Column("extra", Json, nullable=False),
    Column("audio_key", Text),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("content_type", String(100), nullable=False),
    Column("filename", Text, nullable=False),
    Column("keep_audio", Boolean, nullable=False),
    Column("duration_s", Float),
    Column("loudness_lufs", Float),
    Column("tempo_bpm", Float),
    Column("tempo_confidence", Float),
    Column("key", String(20)),
    Column("key_folded", Folded),
    Column("key_confidence", Float),
    Column("sample_rate_hz", Integer),
    Column("channels", Integer),
    Column("codec", String(50)),
    Column("decode_warnings", Json),
    Column("certainty", Json),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Index("ix_track_library_id_kind_created_at", "library_id", "kind", "created_at", "id"),
    sqlite_autoincrement=True,  # a number is never used twice: indexes know tracks by it
)
Index(
    "ix_track_expires_at",
    track.c.expires_at,
    sqlite_where=text("kind = 'clip'"),
    postgresql_where=text("kind = 'clip'"),
)
Index(
    "uq_track_library_id_sha256",
    track.c.library_id,
    track.c.sha256,
    unique=True,
    sqlite_where=text("kind = 'track'"),
    postgresql_where=text("kind = 'track'"),
)

embedding = Table(
    "embedding",
    metadata,
    Column("track_number", Number, ForeignKey("track.number", ondelete="CASCADE"), primary_key=True),
    Column("encoder_id", Id, ForeignKey("encoder.id"), primary_key=True),
    Column("vector", LargeBinary, nullable=False),  # (D,) little-endian float32
    Index("ix_embedding_encoder_id_track_number", "encoder_id", "track_number"),  # counts without reading vectors
)

segment = Table(
    "segment",
    metadata,
    Column("track_number", Number, ForeignKey("track.number", ondelete="CASCADE"), primary_key=True),
    Column("encoder_id", Id, ForeignKey("encoder.id"), primary_key=True),
    Column("spans_s", LargeBinary, nullable=False),  # (S, 2) little-endian float32
    Column("vectors", LargeBinary, nullable=False),  # (S, D) little-endian float16
)

calibration = Table(
    "calibration",
    metadata,
    Column("library_id", Id, ForeignKey("library.id"), primary_key=True),
    Column("encoder_id", Id, ForeignKey("encoder.id"), primary_key=True),
    Column("mean", Json, nullable=False),
    Column("deviation", Json, nullable=False),
    Column("tracks", Integer, nullable=False),
    Column("measured_at", UtcTime, nullable=False),
)

worker = Table(
    "worker",
    metadata,
    Column("id", Id, primary_key=True),
    Column("host", String(255), nullable=False),
    Column("device", String(100), nullable=False),
    Column("lease_until", UtcTime, nullable=False),
    Column("alive", Boolean, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("id", Id, primary_key=True),
    Column("library_id", Id, ForeignKey("library.id"), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("subject", Id, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("run_at", UtcTime, nullable=False),
    Column("worker_id", Id),
    Column("token", Id),
    Column("deadline", UtcTime),
    Column("stage", String(50)),
    Column("progress", Float, nullable=False),
    Column("error_code", String(100)),
    Column("error_message", Text),
    Column("request_id", String(100)),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    Index("ix_job_library_id_id", "library_id", "id"),  # ids are UUIDv7: the order of a listing
    Index("ix_job_subject", "subject"),
)
Index(
    "ix_job_due",
    job.c.priority,
    job.c.run_at,
    job.c.id,
    sqlite_where=text("state = 'queued'"),
    postgresql_where=text("state = 'queued'"),
)
Index(
    "ix_job_running",
    job.c.worker_id,
    sqlite_where=text("state = 'running'"),
    postgresql_where=text("state = 'running'"),
)

tally = Table(
    "tally",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("total", Float, nullable=False),
)

change_counter = Table(
    "change_counter",
    metadata,
    Column("id", Integer, primary_key=True),  # one row: whoever numbers changes holds its lock until commit
    Column("value", BigInteger, nullable=False),
)

change = Table(
    "change",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("library_id", Id, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("subject", Id, nullable=False),
    Column("number", BigInteger),
    Column("at", UtcTime, nullable=False),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Id, primary_key=True),
    Column("library_id", Id, ForeignKey("library.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("scope", String(10), nullable=False),
    Column("secret_sha256", String(64), nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
)
