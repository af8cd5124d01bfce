"""Indexes that a library of a million tracks needs: to count states, and to find an artist, album or outside id."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATES = "ix_track_library_id_kind_state"
FIELDS = ("artist_folded", "album_folded", "external_id_folded")


def upgrade() -> None:
    op.create_index(STATES, "track", ["library_id", "kind", "state"])
    for field in FIELDS:  # a B-tree of PostgreSQL does not hold a text of any length
        op.create_index(f"ix_track_{field}", "track", [field], postgresql_using="hash")


def downgrade() -> None:
    for field in FIELDS:
        op.drop_index(f"ix_track_{field}", "track")
    op.drop_index(STATES, "track")
