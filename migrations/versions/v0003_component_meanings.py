"""What the components of an encoder mean, and how sure encoders are of the vectors of a track.

Encoders that were announced before bring their meanings when their worker starts; of tracks that were embedded
before nothing is known.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("encoder", sa.Column("components", Json, nullable=False, server_default="{}"))
    op.add_column("track", sa.Column("certainty", Json, nullable=True))


def downgrade() -> None:
    op.drop_column("track", "certainty")
    op.drop_column("encoder", "components")
