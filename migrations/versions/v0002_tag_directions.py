"""Where the tags of an encoder point, so that searches can ask for them.

Encoders that were announced before have names of tags at most; their worker brings the rest when it starts.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.Uuid(as_uuid=False)


def upgrade() -> None:
    op.create_table(
        "tag_directions",
        sa.Column("encoder_id", Id, nullable=False),
        sa.Column("space", sa.String(length=100), nullable=False),
        sa.Column("directions", sa.LargeBinary(), nullable=False),
        sa.Column("scale", sa.LargeBinary(), nullable=False),
        sa.Column("offset", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["encoder_id"], ["encoder.id"], name=op.f("fk_tag_directions_encoder_id_encoder")),
        sa.PrimaryKeyConstraint("encoder_id", "space", name=op.f("pk_tag_directions")),
    )


def downgrade() -> None:
    op.drop_table("tag_directions")
