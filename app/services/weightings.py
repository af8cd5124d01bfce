"""Keeping weightings, checked as a search would check them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.database import Database, Transaction
from app.domain import EncoderState, new_id
from app.errors import Conflict, Fault, InvalidRequest
from app.services.space_names import SpaceNames
from app.weightings import Weighting

MOST = 500
"""Weightings of one library: a list of more would help nobody."""


class WeightingService:
    """Weightings of libraries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, library_id: str) -> Sequence[Weighting]:
        """Return those of a library, by name."""
        with self._database.transaction(read_only=True) as tx:
            return tx.weightings.all(library_id)

    def add(self, library_id: str, name: str, encoder: str, weights: Mapping[str, float]) -> Weighting:
        """Keep a new one.

        Raises:
            InvalidRequest: The encoder or a space is not there, or all weights are zero.
            Conflict: The library has one of that name, or ``MOST``.
        """
        weighting = Weighting(new_id(), library_id, name, encoder, weights)
        with self._database.transaction() as tx:
            _check(tx, weighting)
            if len(tx.weightings.all(library_id)) >= MOST:
                raise Conflict(f"The library has {MOST} weightings, the most there can be: delete one first.")
            tx.weightings.add(weighting)
        return weighting

    def replace(
        self, library_id: str, weighting_id: str, name: str, encoder: str, weights: Mapping[str, float]
    ) -> Weighting:
        """Put another one in its place. Raises ``NotFound``, and what ``add`` raises."""
        with self._database.transaction() as tx:
            known = tx.weightings.weighting(library_id, weighting_id)
            changed = replace(known, name=name, encoder=encoder, weights=weights)
            _check(tx, changed)
            tx.weightings.save(changed)
        return changed

    def delete(self, library_id: str, weighting_id: str) -> None:
        """Remove one. Raises ``NotFound``."""
        with self._database.transaction() as tx:
            tx.weightings.delete(library_id, weighting_id)


def _check(tx: Transaction, weighting: Weighting) -> None:
    """Find every fault that a search with these weights would find."""
    ready = [encoder for encoder in tx.catalogue.encoders() if encoder.state is EncoderState.READY]
    own = next((encoder for encoder in ready if encoder.name == weighting.encoder), None)
    if own is None:
        known = ", ".join(encoder.name for encoder in ready) or "none yet: no worker has announced one"
        raise _refused([Fault("encoder", f"There is no encoder {weighting.encoder!r}. Ready: {known}.")])
    faults: list[Fault] = []
    names = SpaceNames(own, ready)
    meant = names.weights("weights", weighting.weights, faults)
    if faults:
        raise _refused(faults)
    if not any(meant.values()):
        spaces = ", ".join(space.name for space in own.spaces)
        raise _refused([Fault("weights", f"All weights are zero; weigh at least one of {spaces}.")])


def _refused(faults: Sequence[Fault]) -> InvalidRequest:
    return InvalidRequest(" ".join(fault.message for fault in faults), faults)
