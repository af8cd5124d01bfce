"""The tables: one definition for SQLite and PostgreSQL. Rows are called rows; the domain has its own values.

Beside each text that filters and sorting look at stands its folded form (``filters.fold_text``): neither
database ignores the case of all of Unicode by itself, and the two do not agree with each other. Folded text is
ordered by code point on both.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from app.adapters.column_types import Folded, Id, Json, Number, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

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
    Column("denied_tags", Json, nullable=False, server_default="[]"),
    Column("heard_tags", Json, nullable=False, server_default="{}"),
    Column("listened", Boolean, nullable=False, server_default=false()),  # for tags, to the encoders READY now
    Column("all_tags_folded", Json, nullable=False, server_default="[]"),
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
    Index("ix_track_library_id_kind_state", "library_id", "kind", "state"),  # counts without reading tracks
    Index("ix_track_artist_folded", "artist_folded", postgresql_using="hash"),  # text of any length fits a hash
    Index("ix_track_album_folded", "album_folded", postgresql_using="hash"),
    Index("ix_track_external_id_folded", "external_id_folded", postgresql_using="hash"),
    sqlite_autoincrement=True,  # a number is never used twice: indexes know tracks by it
)
Index(
    "ix_track_expires_at",
    track.c.expires_at,
    sqlite_where=text("kind = 'clip'"),
    postgresql_where=text("kind = 'clip'"),
)
Index(
    "ix_track_unheard",
    track.c.number,
    sqlite_where=text("NOT listened AND kind = 'track' AND state = 'ready'"),
    postgresql_where=text("NOT listened AND kind = 'track' AND state = 'ready'"),
)
Index(
    "uq_track_library_id_sha256",
    track.c.library_id,
    track.c.sha256,
    unique=True,
    sqlite_where=text("kind = 'track'"),
    postgresql_where=text("kind = 'track'"),
)

tag_count = Table(
    "tag_count",
    metadata,
    Column("library_id", Id, ForeignKey("library.id"), primary_key=True),
    Column("tag_sha256", String(64), primary_key=True),  # no index of PostgreSQL holds a text of any length
    Column("tag", Folded, nullable=False),
    Column("tracks", BigInteger, nullable=False),  # that have it in all_tags_folded; no clips
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
    Column("expires_at", UtcTime),
)

session = Table(
    "session",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("key_sha256", String(64), nullable=False),  # of the key that opened it: what that may, it may
    Column("expires_at", UtcTime, nullable=False),
)

brief = Table(
    "brief",
    metadata,
    Column("id", Id, primary_key=True),
    Column("library_id", Id, ForeignKey("library.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("request", Json, nullable=False),  # the body that a replacement is asked with
    Column("webhook_url", Text),
    Column("webhook_secret", Text),  # signs, so it cannot be kept as a hash
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("last_run_at", UtcTime),
    Column("watched_seq", BigInteger),  # none until somebody has looked for new matches
    Index("ix_brief_library_id_id", "library_id", "id"),
)

brief_clip = Table(
    "brief_clip",
    metadata,
    Column("brief_id", Id, ForeignKey("brief.id", ondelete="CASCADE"), primary_key=True),
    Column("track_number", Number, ForeignKey("track.number", ondelete="CASCADE"), primary_key=True),
    Index("ix_brief_clip_track_number", "track_number"),
)

brief_match = Table(
    "brief_match",
    metadata,
    Column("brief_id", Id, ForeignKey("brief.id", ondelete="CASCADE"), primary_key=True),
    Column("track_number", Number, ForeignKey("track.number", ondelete="CASCADE"), primary_key=True),
    Column("seen_at", UtcTime),  # none: told of, but no run has shown it
    Index("ix_brief_match_track_number", "track_number"),
)

brief_decision = Table(
    "brief_decision",
    metadata,
    Column("brief_id", Id, ForeignKey("brief.id", ondelete="CASCADE"), primary_key=True),
    Column("track_number", Number, ForeignKey("track.number", ondelete="CASCADE"), primary_key=True),
    Column("verdict", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_at", UtcTime, nullable=False),
    Index("ix_brief_decision_track_number", "track_number"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brief_id", Id, ForeignKey("brief.id", ondelete="CASCADE"), nullable=False),
    Column("body", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcTime),  # none: delivered, or given up
    Column("delivered_at", UtcTime),
    Column("error", Text),
    Column("created_at", UtcTime, nullable=False),
    Index("ix_delivery_brief_id_id", "brief_id", "id"),
)
Index(
    "ix_delivery_due_at",
    delivery.c.due_at,
    sqlite_where=text("due_at IS NOT NULL"),
    postgresql_where=text("due_at IS NOT NULL"),
)

weighting = Table(
    "weighting",
    metadata,
    Column("id", Id, primary_key=True),
    Column("library_id", Id, ForeignKey("library.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("encoder", String(100), nullable=False),
    Column("weights", Json, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("library_id", "name"),
)

layout = Table(
    "layout",
    metadata,
    Column("id", Id, primary_key=True),
    Column("library_id", Id, ForeignKey("library.id"), nullable=False),
    Column("request_sha256", String(64), nullable=False),  # one map for each way of asking
    Column("request", Json, nullable=False),
    Column("encoder_id", Id, ForeignKey("encoder.id"), nullable=False),
    Column("seq", BigInteger),  # the change that it is a map of; none until it has been drawn
    Column("numbers", LargeBinary),  # (N,) little-endian int64
    Column("positions", LargeBinary),  # (N, 2) little-endian float32
    Column("clusters", LargeBinary),  # (N,) little-endian int16
    Column("summary", Json),
    Column("requested_at", UtcTime, nullable=False),
    Column("drawn_at", UtcTime),
    UniqueConstraint("library_id", "request_sha256"),
)

waveform = Table(
    "waveform",
    metadata,
    Column("track_number", Number, ForeignKey("track.number", ondelete="CASCADE"), primary_key=True),
    Column("peaks", LargeBinary, nullable=False),  # (B,) bytes, 255 is full scale
)
