"""Briefs in memory."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from app.adapters.listing import check_id_cursor
from app.adapters.memory_state import MemoryState
from app.adapters.storable import storable_text
from app.briefs import Brief, BriefCounts, Decision, Delivery, DueDelivery, Verdict
from app.errors import NotFound


class MemoryBriefs:
    """Implements ``briefs.Briefs``."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def add(self, brief: Brief) -> None:
        self._state.briefs[brief.id] = replace(
            brief, name=storable_text(brief.name), note=storable_text(brief.note)
        )

    def brief(self, library_id: str, brief_id: str) -> Brief:
        found = self._state.briefs.get(brief_id)
        if found is None or found.library_id != library_id:
            raise brief_not_found(brief_id)
        return found

    def page(
        self, library_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[Brief], str | None]:
        check_id_cursor(cursor)
        found = [
            brief
            for brief in self._state.briefs.values()
            if brief.library_id == library_id and (cursor is None or brief.id < cursor)
        ]
        found.sort(key=lambda brief: brief.id, reverse=True)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def save(self, brief: Brief) -> None:
        self.brief(brief.library_id, brief.id)
        self.add(brief)

    def delete(self, library_id: str, brief_id: str) -> None:
        self.brief(library_id, brief_id)
        del self._state.briefs[brief_id]
        for rows in (self._state.brief_matches, self._state.decisions):
            for place in [place for place in rows if place[0] == brief_id]:
                del rows[place]
        for delivery in [each for each in self._state.deliveries.values() if each.brief_id == brief_id]:
            del self._state.deliveries[delivery.id]

    def counts(self, brief_ids: Collection[str]) -> Mapping[str, BriefCounts]:
        return {brief_id: self._counts(brief_id) for brief_id in brief_ids}

    def _counts(self, brief_id: str) -> BriefCounts:
        verdicts = [decision.verdict for decision in self.decisions(brief_id)]
        return BriefCounts(
            verdicts.count(Verdict.SHORTLISTED), verdicts.count(Verdict.REJECTED), len(self.seen(brief_id))
        )

    def watched(self) -> Sequence[Brief]:
        watched = [brief for brief in self._state.briefs.values() if brief.webhook is not None]
        return sorted(watched, key=lambda brief: brief.id)

    def seen(self, brief_id: str) -> set[int]:
        return {
            number for (of, number), at in self._state.brief_matches.items() if of == brief_id and at is not None
        }

    def see(self, brief_id: str, numbers: Iterable[int], at: datetime) -> set[int]:
        fresh = self._present(numbers) - self.seen(brief_id)
        self._state.brief_matches.update(((brief_id, number), at) for number in fresh)
        return fresh

    def note(self, brief_id: str, numbers: Iterable[int]) -> set[int]:
        fresh = {number for number in self._present(numbers) if (brief_id, number) not in self._state.brief_matches}
        self._state.brief_matches.update(((brief_id, number), None) for number in fresh)
        return fresh

    def forget_noted(self, brief_id: str) -> None:
        for place, at in list(self._state.brief_matches.items()):
            if place[0] == brief_id and at is None:
                del self._state.brief_matches[place]

    def _present(self, numbers: Iterable[int]) -> set[int]:
        return {track.number for track in self._state.tracks.values()} & set(numbers)

    def decide(self, brief_id: str, decision: Decision) -> None:
        self._state.decisions[brief_id, decision.number] = replace(decision, reason=storable_text(decision.reason))

    def withdraw(self, brief_id: str, number: int) -> None:
        if self._state.decisions.pop((brief_id, number), None) is None:
            raise no_decision()

    def decisions(self, brief_id: str) -> Sequence[Decision]:
        found = [decision for (of, _), decision in self._state.decisions.items() if of == brief_id]
        return sorted(found, key=lambda decision: (decision.decided_at, decision.number))

    def add_delivery(self, delivery: Delivery) -> None:
        error = None if delivery.error is None else storable_text(delivery.error)
        self._state.deliveries[delivery.id] = replace(delivery, error=error)

    def deliveries(self, brief_id: str, limit: int = 100) -> Sequence[Delivery]:
        found = [delivery for delivery in self._state.deliveries.values() if delivery.brief_id == brief_id]
        return sorted(found, key=lambda delivery: delivery.id, reverse=True)[:limit]

    def due_deliveries(self, now: datetime, limit: int = 100) -> Sequence[DueDelivery]:
        waiting = sorted(
            (delivery.due_at, delivery.id) for delivery in self._state.deliveries.values() if delivery.due_at
        )
        due = [self._state.deliveries[delivery_id] for due_at, delivery_id in waiting if due_at <= now]
        hooks = {delivery.id: self._state.briefs[delivery.brief_id].webhook for delivery in due}
        return [DueDelivery(delivery, hook) for delivery in due if (hook := hooks[delivery.id])][:limit]

    def save_delivery(self, delivery: Delivery) -> None:
        if delivery.id in self._state.deliveries:
            self.add_delivery(delivery)

    def settle_delivery(self, delivery: Delivery, due_at: datetime | None) -> bool:
        stored = self._state.deliveries.get(delivery.id)
        if stored is None or stored.due_at != due_at:
            return False
        self.add_delivery(delivery)
        return True

    def put_off_deliveries(self, brief_id: str, now: datetime, until: datetime) -> None:
        for delivery in self._waiting(brief_id):
            if delivery.due_at is not None and delivery.due_at <= now:
                self.add_delivery(replace(delivery, due_at=until))

    def give_up_deliveries(self, brief_id: str, error: str, *, until: datetime | None = None) -> None:
        for delivery in self._waiting(brief_id):
            if until is None or delivery.created_at <= until:
                self.add_delivery(replace(delivery, due_at=None, error=error))

    def _waiting(self, brief_id: str) -> Sequence[Delivery]:
        found = self._state.deliveries.values()
        return [each for each in found if each.brief_id == brief_id and each.due_at is not None]

    def forget_deliveries(self, before: datetime) -> int:
        deliveries = self._state.deliveries
        old = [each.id for each in deliveries.values() if each.due_at is None and each.created_at < before]
        for delivery_id in old:
            del deliveries[delivery_id]
        return len(old)


def brief_not_found(brief_id: str) -> NotFound:
    """Return the error for a brief that is not there."""
    return NotFound(f"There is no brief {brief_id!r:.80} in this library.")


def no_decision() -> NotFound:
    """Return the error for a decision that is not there."""
    return NotFound("Nothing was decided on this track in this brief.")
