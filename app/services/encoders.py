"""Which encoders there are, how far each has come with a library, and which one answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.database import Database, Transaction
from app.domain import DEFAULT_LIBRARY, ChangeKind, EncoderInfo, EncoderState
from app.errors import Conflict, NotFound
from app.services.track_counts import TrackCounts


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


def standings(tx: Transaction, library_id: str, counts: TrackCounts) -> Sequence[EncoderStanding]:
    """Return every encoder with its share of the library."""
    total = sum(counts.by_state(tx, library_id).values())
    found = []
    for info in tx.catalogue.encoders():
        embedded = counts.embedded(tx, library_id, info.id)
        found.append(EncoderStanding(info, embedded, embedded / total if total else 0.0))
    return found


def promote(database: Database, encoder_id: str, *, default: bool, force: bool = False) -> EncoderInfo:
    """Let searches use this encoder in place of the one that has its name, and with ``default`` of the default one.

    Raises:
        NotFound: There is no such encoder.
        Conflict: It lacks vectors of tracks that searches find now, and ``force`` is not given.
    """
    with database.transaction() as tx:
        chosen = _by_id(tx, encoder_id)
        if not force:
            _must_cover(tx, chosen, _replaced(tx, chosen, default=default))
        if chosen.state is not EncoderState.READY and any(each.tags for each in (chosen, *_rivals(tx, chosen))):
            tx.catalogue.forget_heard()
        tx.catalogue.promote_encoder(encoder_id, default=default)
        tx.changes.append(DEFAULT_LIBRARY, ChangeKind.ENCODER_UPDATED, encoder_id)
        return _by_id(tx, encoder_id)


def _replaced(tx: Transaction, chosen: EncoderInfo, *, default: bool) -> list[EncoderInfo]:
    """Those whose searches it would answer from then on."""
    defaults = [each for each in tx.catalogue.encoders() if default and each.is_default and each.id != chosen.id]
    return [*_rivals(tx, chosen), *(each for each in defaults if each.name != chosen.name)]


def _rivals(tx: Transaction, chosen: EncoderInfo) -> list[EncoderInfo]:
    """Return the one that has its name now: it retires."""
    return [
        each
        for each in tx.catalogue.encoders()
        if each.id != chosen.id and each.name == chosen.name and each.state is EncoderState.READY
    ]


def _must_cover(tx: Transaction, chosen: EncoderInfo, replaced: Sequence[EncoderInfo]) -> None:
    """Raise ``Conflict`` where a library would have fewer tracks to find than now."""
    found = lost = 0
    for library in tx.catalogue.libraries():
        now = max((tx.catalogue.count_embedded(library.id, each.id) for each in replaced), default=0)
        found += now
        lost += max(0, now - tx.catalogue.count_embedded(library.id, chosen.id))
    if lost:
        raise Conflict(
            f"The encoder {chosen.name!r} (version {chosen.version}) lacks vectors of {lost} of the {found} tracks "
            "that searches find now. Workers that load it embed them in the background: promote it once its share "
            "is that of the present one, or insist with force; what it lacks is not found until then."
        )


def _by_id(tx: Transaction, encoder_id: str) -> EncoderInfo:
    for encoder in tx.catalogue.encoders():
        if encoder.id == encoder_id:
            return encoder
    raise NotFound(f"There is no encoder {encoder_id}.")
