"""Briefs with decisions and deliveries, weightings, maps, waveforms, heard tags, sessions, keys that expire."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Id = sa.Uuid(as_uuid=False)
Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)

TABLES = (
    "session",
    "waveform",
    "layout",
    "weighting",
    "delivery",
    "brief_decision",
    "brief_match",
    "brief_clip",
    "brief",
)


def upgrade() -> None:
    op.add_column("api_key", sa.Column("expires_at", Time, nullable=True))
    op.add_column("track", sa.Column("denied_tags", Json, nullable=False, server_default="[]"))
    op.add_column("track", sa.Column("heard_tags", Json, nullable=False, server_default="{}"))
    op.add_column("track", sa.Column("listened", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("track", sa.Column("all_tags_folded", Json, nullable=False, server_default="[]"))
    op.execute("UPDATE track SET all_tags_folded = tags_folded")
    unheard = sa.text("NOT listened AND kind = 'track' AND state = 'ready'")
    op.create_index("ix_track_unheard", "track", ["number"], sqlite_where=unheard, postgresql_where=unheard)
    _create_briefs()
    _create_others()


def _create_briefs() -> None:
    op.create_table(
        "brief",
        sa.Column("id", Id, primary_key=True),
        sa.Column("library_id", Id, sa.ForeignKey("library.id"), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("request", Json, nullable=False),
        sa.Column("webhook_url", sa.Text(), nullable=True),
        sa.Column("webhook_secret", sa.Text(), nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
        sa.Column("last_run_at", Time, nullable=True),
        sa.Column("watched_seq", sa.BigInteger(), nullable=True),
    )
    op.create_index("ix_brief_library_id_id", "brief", ["library_id", "id"])
    op.create_table("brief_clip", *_of_brief_and_track())
    op.create_index("ix_brief_clip_track_number", "brief_clip", ["track_number"])
    op.create_table("brief_match", *_of_brief_and_track(), sa.Column("seen_at", Time, nullable=True))
    op.create_index("ix_brief_match_track_number", "brief_match", ["track_number"])
    op.create_table(
        "brief_decision",
        *_of_brief_and_track(),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", Time, nullable=False),
    )
    op.create_index("ix_brief_decision_track_number", "brief_decision", ["track_number"])
    op.create_table(
        "delivery",
        sa.Column("id", Id, primary_key=True),
        sa.Column("brief_id", Id, sa.ForeignKey("brief.id", ondelete="CASCADE"), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", Time, nullable=True),
        sa.Column("delivered_at", Time, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", Time, nullable=False),
    )
    op.create_index("ix_delivery_brief_id_id", "delivery", ["brief_id", "id"])
    due = sa.text("due_at IS NOT NULL")
    op.create_index("ix_delivery_due_at", "delivery", ["due_at"], sqlite_where=due, postgresql_where=due)


def _of_brief_and_track() -> tuple[sa.Column[str], sa.Column[int]]:
    return (
        sa.Column("brief_id", Id, sa.ForeignKey("brief.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("track_number", Number, sa.ForeignKey("track.number", ondelete="CASCADE"), primary_key=True),
    )


def _create_others() -> None:
    op.create_table(
        "weighting",
        sa.Column("id", Id, primary_key=True),
        sa.Column("library_id", Id, sa.ForeignKey("library.id"), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("encoder", sa.String(100), nullable=False),
        sa.Column("weights", Json, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.UniqueConstraint("library_id", "name"),
    )
    op.create_table(
        "layout",
        sa.Column("id", Id, primary_key=True),
        sa.Column("library_id", Id, sa.ForeignKey("library.id"), nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("request", Json, nullable=False),
        sa.Column("encoder_id", Id, sa.ForeignKey("encoder.id"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("numbers", sa.LargeBinary(), nullable=True),
        sa.Column("positions", sa.LargeBinary(), nullable=True),
        sa.Column("clusters", sa.LargeBinary(), nullable=True),
        sa.Column("summary", Json, nullable=True),
        sa.Column("requested_at", Time, nullable=False),
        sa.Column("drawn_at", Time, nullable=True),
        sa.UniqueConstraint("library_id", "request_sha256"),
    )
    op.create_table(
        "waveform",
        sa.Column("track_number", Number, sa.ForeignKey("track.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "session",
        sa.Column("token_sha256", sa.String(64), primary_key=True),
        sa.Column("key_sha256", sa.String(64), nullable=False),
        sa.Column("expires_at", Time, nullable=False),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_index("ix_track_unheard", "track")
    for column in ("all_tags_folded", "listened", "heard_tags", "denied_tags"):
        op.drop_column("track", column)
    op.drop_column("api_key", "expires_at")
