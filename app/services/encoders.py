"""Which encoders there are, and how far each has come with a library."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.database import Database, Transaction
from app.domain import DEFAULT_LIBRARY, ChangeKind, EncoderInfo, EncoderState
from app.errors import NotFound


@dataclass(frozen=True, slots=True)
class EncoderStanding:
    """An encoder and the share of a library's catalogue that it has embedded, 0 to 1."""

    info: EncoderInfo
    embedded: int
    share: float


def find_encoder(tx: Transaction, name: str | None) -> EncoderInfo:
    """Return the READY encoder of this name, or the default one. Raises ``NotFound``."""
    ready = [encoder for encoder in tx.catalogue.encoders() if encoder.state is EncoderState.READY]
    for encoder in ready:
        if encoder.name == name or (name is None and encoder.is_default):
            return encoder
    known = ", ".join(encoder.name for encoder in ready) or "none yet: no worker has announced one"
    raise NotFound(f"There is no encoder '{name or '(default)'}'. Ready: {known}.")


def standings(tx: Transaction, library_id: str) -> Sequence[EncoderStanding]:
    """Return every encoder with its share of the library."""
    total = sum(tx.catalogue.count_tracks(library_id).values())
    found = []
    for info in tx.catalogue.encoders():
        embedded = tx.catalogue.count_embedded(library_id, info.id)
        found.append(EncoderStanding(info, embedded, embedded / total if total else 0.0))
    return found


def promote(database: Database, encoder_id: str, *, default: bool) -> EncoderInfo:
    """Let searches use this encoder in place of the one that has its name. Raises ``NotFound``."""
    with database.transaction() as tx:
        _by_id(tx, encoder_id)
        tx.catalogue.promote_encoder(encoder_id, default=default)
        tx.changes.append(DEFAULT_LIBRARY, ChangeKind.ENCODER_UPDATED, encoder_id)
        return _by_id(tx, encoder_id)


def _by_id(tx: Transaction, encoder_id: str) -> EncoderInfo:
    for encoder in tx.catalogue.encoders():
        if encoder.id == encoder_id:
            return encoder
    raise NotFound(f"There is no encoder {encoder_id}.")
