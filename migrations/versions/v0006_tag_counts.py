"""How many tracks carry each tag, kept beside the tracks."""

import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

Id = sa.Uuid(as_uuid=False)
Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Folded = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    counts = op.create_table(
        "tag_count",
        sa.Column("library_id", Id, sa.ForeignKey("library.id"), primary_key=True),
        sa.Column("tag_sha256", sa.String(64), primary_key=True),
        sa.Column("tag", Folded, nullable=False),
        sa.Column("tracks", sa.BigInteger(), nullable=False),
    )
    bind = op.get_bind()
    rows = [
        {"library_id": library_id, "tag_sha256": _digest(tag), "tag": tag, "tracks": tracks}
        for library_id, tag, tracks in bind.execute(_counted(bind.dialect.name))
    ]
    if rows:
        bind.execute(sa.insert(counts), rows)


def _counted(dialect: str) -> sa.Select[Any]:
    track = sa.table(
        "track",
        sa.column("library_id", Id),
        sa.column("kind", sa.String()),
        sa.column("all_tags_folded", Json),
    )
    unpack = sa.func.json_each if dialect == "sqlite" else sa.func.jsonb_array_elements_text
    tags = unpack(track.c.all_tags_folded).table_valued("value", joins_implicitly=True)
    return (
        sa.select(track.c.library_id, tags.c.value, sa.func.count())
        .select_from(track, tags)
        .where(track.c.kind == "track")
        .group_by(track.c.library_id, tags.c.value)
    )


def _digest(tag: str) -> str:
    return hashlib.sha256(tag.encode()).hexdigest()


def downgrade() -> None:
    op.drop_table("tag_count")
