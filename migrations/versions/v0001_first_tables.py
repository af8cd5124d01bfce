"""The first tables, with the default library and the counter of changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.Uuid(as_uuid=False)
Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Folded = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)

DEFAULT_LIBRARY = "00000000-0000-7000-8000-000000000001"


def upgrade() -> None:
    op.create_table(
        "change",
        sa.Column("seq", Number, autoincrement=False, nullable=False),
        sa.Column("library_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject", Id, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("at", Time, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_change")),
    )
    op.create_table(
        "change_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_counter")),
    )
    op.create_table(
        "encoder",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("version", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("spaces", Json, nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encoder")),
        sa.UniqueConstraint("name", "digest", name=op.f("uq_encoder_name_digest")),
    )
    op.create_index(
        "uq_encoder_default",
        "encoder",
        ["is_default"],
        unique=True,
        sqlite_where=sa.text("is_default"),
        postgresql_where=sa.text("is_default"),
    )
    op.create_index(
        "uq_encoder_ready_name",
        "encoder",
        ["name"],
        unique=True,
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_table(
        "library",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library")),
        sa.UniqueConstraint("name", name=op.f("uq_library_name")),
    )
    op.create_table(
        "tally",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tally")),
    )
    op.create_table(
        "worker",
        sa.Column("id", Id, nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("device", sa.String(length=100), nullable=False),
        sa.Column("lease_until", Time, nullable=False),
        sa.Column("alive", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", Id, nullable=False),
        sa.Column("library_id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_api_key_library_id_library")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_api_key_secret_sha256")),
    )
    op.create_table(
        "calibration",
        sa.Column("library_id", Id, nullable=False),
        sa.Column("encoder_id", Id, nullable=False),
        sa.Column("mean", Json, nullable=False),
        sa.Column("deviation", Json, nullable=False),
        sa.Column("tracks", sa.Integer(), nullable=False),
        sa.Column("measured_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["encoder_id"], ["encoder.id"], name=op.f("fk_calibration_encoder_id_encoder")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_calibration_library_id_library")),
        sa.PrimaryKeyConstraint("library_id", "encoder_id", name=op.f("pk_calibration")),
    )
    op.create_table(
        "job",
        sa.Column("id", Id, nullable=False),
        sa.Column("library_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", Id, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("run_at", Time, nullable=False),
        sa.Column("worker_id", Id, nullable=True),
        sa.Column("token", Id, nullable=True),
        sa.Column("deadline", Time, nullable=True),
        sa.Column("stage", sa.String(length=50), nullable=True),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("error_code", sa.String(length=100), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("request_id", sa.String(length=100), nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("started_at", Time, nullable=True),
        sa.Column("finished_at", Time, nullable=True),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_job_library_id_library")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index(
        "ix_job_due",
        "job",
        ["priority", "run_at", "id"],
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("ix_job_library_id_id", "job", ["library_id", "id"])
    op.create_index(
        "ix_job_running",
        "job",
        ["worker_id"],
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index("ix_job_subject", "job", ["subject"])
    op.create_table(
        "track",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("id", Id, nullable=False),
        sa.Column("library_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("title_folded", Folded, nullable=True),
        sa.Column("artist", sa.Text(), nullable=True),
        sa.Column("artist_folded", Folded, nullable=True),
        sa.Column("album", sa.Text(), nullable=True),
        sa.Column("album_folded", Folded, nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("external_id_folded", Folded, nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("licence_folded", Folded, nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("tags_folded", Json, nullable=False),
        sa.Column("extra", Json, nullable=False),
        sa.Column("audio_key", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("keep_audio", sa.Boolean(), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("loudness_lufs", sa.Float(), nullable=True),
        sa.Column("tempo_bpm", sa.Float(), nullable=True),
        sa.Column("tempo_confidence", sa.Float(), nullable=True),
        sa.Column("key", sa.String(length=20), nullable=True),
        sa.Column("key_folded", Folded, nullable=True),
        sa.Column("key_confidence", sa.Float(), nullable=True),
        sa.Column("sample_rate_hz", sa.Integer(), nullable=True),
        sa.Column("channels", sa.Integer(), nullable=True),
        sa.Column("codec", sa.String(length=50), nullable=True),
        sa.Column("decode_warnings", Json, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
        sa.Column("expires_at", Time, nullable=True),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_track_library_id_library")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_track")),
        sa.UniqueConstraint("id", name=op.f("uq_track_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_track_expires_at",
        "track",
        ["expires_at"],
        sqlite_where=sa.text("kind = 'clip'"),
        postgresql_where=sa.text("kind = 'clip'"),
    )
    op.create_index("ix_track_library_id_kind_created_at", "track", ["library_id", "kind", "created_at", "id"])
    op.create_index(
        "uq_track_library_id_sha256",
        "track",
        ["library_id", "sha256"],
        unique=True,
        sqlite_where=sa.text("kind = 'track'"),
        postgresql_where=sa.text("kind = 'track'"),
    )
    op.create_table(
        "embedding",
        sa.Column("track_number", Number, nullable=False),
        sa.Column("encoder_id", Id, nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["encoder_id"], ["encoder.id"], name=op.f("fk_embedding_encoder_id_encoder")),
        sa.ForeignKeyConstraint(
            ["track_number"], ["track.number"], name=op.f("fk_embedding_track_number_track"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_number", "encoder_id", name=op.f("pk_embedding")),
    )
    op.create_index("ix_embedding_encoder_id_track_number", "embedding", ["encoder_id", "track_number"])
    op.create_table(
        "segment",
        sa.Column("track_number", Number, nullable=False),
        sa.Column("encoder_id", Id, nullable=False),
        sa.Column("spans_s", sa.LargeBinary(), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["encoder_id"], ["encoder.id"], name=op.f("fk_segment_encoder_id_encoder")),
        sa.ForeignKeyConstraint(
            ["track_number"], ["track.number"], name=op.f("fk_segment_track_number_track"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_number", "encoder_id", name=op.f("pk_segment")),
    )
    op.bulk_insert(
        sa.table("library", sa.column("id", Id), sa.column("name", sa.String)),
        [{"id": DEFAULT_LIBRARY, "name": "default"}],
    )
    op.bulk_insert(sa.table("change_counter", sa.column("id"), sa.column("value")), [{"id": 1, "value": 0}])


def downgrade() -> None:
    op.drop_table("segment")
    op.drop_index("ix_embedding_encoder_id_track_number", table_name="embedding")
    op.drop_table("embedding")
    op.drop_index("uq_track_library_id_sha256", table_name="track")
    op.drop_index("ix_track_library_id_kind_created_at", table_name="track")
    op.drop_index("ix_track_expires_at", table_name="track")
    op.drop_table("track")
    op.drop_index("ix_job_subject", table_name="job")
    op.drop_index("ix_job_running", table_name="job")
    op.drop_index("ix_job_library_id_id", table_name="job")
    op.drop_index("ix_job_due", table_name="job")
    op.drop_table("job")
    op.drop_table("calibration")
    op.drop_table("api_key")
    op.drop_table("worker")
    op.drop_table("tally")
    op.drop_table("library")
    op.drop_index("uq_encoder_ready_name", table_name="encoder")
    op.drop_index("uq_encoder_default", table_name="encoder")
    op.drop_table("encoder")
    op.drop_table("change_counter")
    op.drop_table("change")
