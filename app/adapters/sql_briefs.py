"""Briefs in SQL."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, case, delete, func, insert, select, update

from app.adapters.listing import check_id_cursor
from app.adapters.memory_briefs import brief_not_found, no_decision
from app.adapters.rows import Values
from app.adapters.sql_engine import insert_into, only_reads
from app.adapters.sql_tracks import chunks
from app.adapters.storable import is_id, storable_text
from app.adapters.tables import brief as _brief
from app.adapters.tables import brief_clip, brief_decision, brief_match, track
from app.adapters.tables import delivery as _delivery
from app.briefs import Brief, BriefCounts, Decision, Delivery, DueDelivery, Verdict, Webhook
from app.domain import TrackKind


class SqlBriefs:
    """Implements ``briefs.Briefs``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, brief: Brief) -> None:
        self._connection.execute(insert(_brief), _brief_values(brief))
        self._keep_clips(brief)

    def brief(self, library_id: str, brief_id: str) -> Brief:
        row = None
        if is_id(brief_id):
            query = select(_brief).where(_brief.c.id == brief_id, _brief.c.library_id == library_id)
            row = self._connection.execute(self._held(query)).one_or_none()
        if row is None:
            raise brief_not_found(brief_id)
        return _brief_from_row(row)

    def _held(self, query: Select[Any]) -> Select[Any]:
        """Have a writing transaction keep the rows from every other until it ends."""
        return query if only_reads(self._connection) else query.with_for_update()

    def page(
        self, library_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[Brief], str | None]:
        check_id_cursor(cursor)
        query = select(_brief).where(_brief.c.library_id == library_id)
        if cursor is not None:
            query = query.where(_brief.c.id < cursor)
        rows = self._connection.execute(query.order_by(_brief.c.id.desc()).limit(limit + 1)).all()
        found = [_brief_from_row(row) for row in rows[:limit]]
        return found, found[-1].id if len(rows) > limit else None

    def save(self, brief: Brief) -> None:
        statement = update(_brief).where(_brief.c.id == brief.id, _brief.c.library_id == brief.library_id)
        if not self._connection.execute(statement.values(**_brief_values(brief))).rowcount:
            raise brief_not_found(brief.id)
        self._keep_clips(brief)

    def _keep_clips(self, brief: Brief) -> None:
        """Note the clips that it refers to, so that none of them expires.

        Where they are as before nothing is written: whoever deletes one meanwhile must not wait for this.
        """
        of_brief = brief_clip.c.brief_id == brief.id
        noted = set(self._connection.execute(select(brief_clip.c.track_number).where(of_brief)).scalars())
        wanted = self._clips(brief)
        if gone := noted - wanted:
            self._connection.execute(delete(brief_clip).where(of_brief, brief_clip.c.track_number.in_(gone)))
        if rows := [{"brief_id": brief.id, "track_number": number} for number in sorted(wanted - noted)]:
            self._connection.execute(insert(brief_clip), rows)

    def _clips(self, brief: Brief) -> set[int]:
        """Return the numbers of the clips that it refers to."""
        ids = [each for each in brief.references() if is_id(each)]
        query = select(track.c.number).where(
            track.c.library_id == brief.library_id, track.c.kind == TrackKind.CLIP, track.c.id.in_(ids)
        )
        return set(self._connection.execute(query).scalars())

    def delete(self, library_id: str, brief_id: str) -> None:
        self.brief(library_id, brief_id)
        self._connection.execute(delete(_brief).where(_brief.c.id == brief_id))

    def counts(self, brief_ids: Collection[str]) -> Mapping[str, BriefCounts]:
        verdicts = [brief_decision.c.verdict == verdict for verdict in (Verdict.SHORTLISTED, Verdict.REJECTED)]
        decided = self._sums(brief_decision, brief_ids, *verdicts)
        seen = self._sums(brief_match, brief_ids, brief_match.c.seen_at.is_not(None))
        return {
            brief_id: BriefCounts(*decided.get(brief_id, (0, 0)), *seen.get(brief_id, (0,)))
            for brief_id in brief_ids
        }

    def _sums(
        self, table: Table, brief_ids: Collection[str], *conditions: ColumnElement[bool]
    ) -> Mapping[str, Sequence[int]]:
        """Return by brief, of those that have rows, in how many of them each condition holds."""
        sums = [func.sum(case((condition, 1), else_=0)) for condition in conditions]
        query = select(table.c.brief_id, *sums).where(table.c.brief_id.in_(brief_ids)).group_by(table.c.brief_id)
        return {brief_id: counts for brief_id, *counts in self._connection.execute(query)}

    def watched(self) -> Sequence[Brief]:
        query = select(_brief).where(_brief.c.webhook_url.is_not(None)).order_by(_brief.c.id)
        return [_brief_from_row(row) for row in self._connection.execute(query)]

    def seen(self, brief_id: str) -> set[int]:
        query = select(brief_match.c.track_number).where(
            brief_match.c.brief_id == brief_id, brief_match.c.seen_at.is_not(None)
        )
        return set(self._connection.execute(query).scalars())

    def see(self, brief_id: str, numbers: Iterable[int], at: datetime) -> set[int]:
        return self._mark(brief_id, numbers, at)

    def note(self, brief_id: str, numbers: Iterable[int]) -> set[int]:
        return self._mark(brief_id, numbers, None)

    def forget_noted(self, brief_id: str) -> None:
        self._connection.execute(
            delete(brief_match).where(brief_match.c.brief_id == brief_id, brief_match.c.seen_at.is_(None))
        )

    def _mark(self, brief_id: str, numbers: Iterable[int], at: datetime | None) -> set[int]:
        statement = insert_into(self._connection, brief_match)
        if at is None:
            statement = statement.on_conflict_do_nothing()
        else:
            statement = statement.on_conflict_do_update(
                index_elements=["brief_id", "track_number"],
                set_={"seen_at": at},
                where=brief_match.c.seen_at.is_(None),
            )
        marked: set[int] = set()
        for chunk in chunks(numbers):
            rows = [{"brief_id": brief_id, "track_number": each, "seen_at": at} for each in self._present(chunk)]
            if rows:
                fresh = statement.values(rows).returning(brief_match.c.track_number)
                marked |= set(self._connection.execute(fresh).scalars())
        return marked

    def _present(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return those of the tracks that are there, ascending; they stay until the transaction ends."""
        query = select(track.c.number).where(track.c.number.in_(numbers)).order_by(track.c.number)
        return self._connection.execute(query.with_for_update(read=True, key_share=True)).scalars().all()

    def decide(self, brief_id: str, decision: Decision) -> None:
        values = {
            "verdict": decision.verdict,
            "reason": storable_text(decision.reason),
            "decided_at": decision.decided_at,
        }
        statement = insert_into(self._connection, brief_decision).values(
            brief_id=brief_id, track_number=decision.number, **values
        )
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["brief_id", "track_number"], set_=values)
        )

    def withdraw(self, brief_id: str, number: int) -> None:
        statement = delete(brief_decision).where(
            brief_decision.c.brief_id == brief_id, brief_decision.c.track_number == number
        )
        if not self._connection.execute(statement).rowcount:
            raise no_decision()

    def decisions(self, brief_id: str) -> Sequence[Decision]:
        query = (
            select(brief_decision)
            .where(brief_decision.c.brief_id == brief_id)
            .order_by(brief_decision.c.decided_at, brief_decision.c.track_number)
        )
        return [
            Decision(row.track_number, Verdict(row.verdict), row.reason, row.decided_at)
            for row in self._connection.execute(query)
        ]

    def add_delivery(self, delivery: Delivery) -> None:
        self._connection.execute(insert(_delivery), _delivery_values(delivery))

    def deliveries(self, brief_id: str, limit: int = 100) -> Sequence[Delivery]:
        query = (
            select(_delivery).where(_delivery.c.brief_id == brief_id).order_by(_delivery.c.id.desc()).limit(limit)
        )
        return [_delivery_from_row(row) for row in self._connection.execute(query)]

    def due_deliveries(self, now: datetime, limit: int = 100) -> Sequence[DueDelivery]:
        query = (
            select(_delivery, _brief.c.webhook_url, _brief.c.webhook_secret)
            .join(_brief, _brief.c.id == _delivery.c.brief_id)
            .where(_delivery.c.due_at <= now, _brief.c.webhook_url.is_not(None))
            .order_by(_delivery.c.due_at, _delivery.c.id)
            .limit(limit)
        )
        if not only_reads(self._connection):
            query = query.with_for_update(of=_delivery, skip_locked=True)
        return [
            DueDelivery(_delivery_from_row(row), Webhook(row.webhook_url, row.webhook_secret))
            for row in self._connection.execute(query)
        ]

    def save_delivery(self, delivery: Delivery) -> None:
        values = _delivery_values(delivery)
        self._connection.execute(update(_delivery).where(_delivery.c.id == delivery.id).values(**values))

    def settle_delivery(self, delivery: Delivery, due_at: datetime | None) -> bool:
        as_taken = update(_delivery).where(_delivery.c.id == delivery.id, _delivery.c.due_at == due_at)
        return self._connection.execute(as_taken.values(**_delivery_values(delivery))).rowcount > 0

    def put_off_deliveries(self, brief_id: str, now: datetime, until: datetime) -> None:
        due = _waiting(brief_id).where(_delivery.c.due_at <= now).with_for_update(skip_locked=True)
        self._connection.execute(update(_delivery).where(_delivery.c.id.in_(due)).values(due_at=until))

    def give_up_deliveries(self, brief_id: str, error: str, *, until: datetime | None = None) -> None:
        over = _waiting(brief_id)
        if until is not None:
            over = over.where(_delivery.c.created_at <= until)
        over = over.order_by(_delivery.c.id).with_for_update()  # in one order, or two would wait for each other
        values = {"due_at": None, "error": storable_text(error)}
        self._connection.execute(update(_delivery).where(_delivery.c.id.in_(over)).values(**values))

    def forget_deliveries(self, before: datetime) -> int:
        statement = delete(_delivery).where(_delivery.c.due_at.is_(None), _delivery.c.created_at < before)
        return self._connection.execute(statement).rowcount


def _waiting(brief_id: str) -> Select[tuple[str]]:
    """Ask for the ids of a brief's messages that are neither delivered nor given up."""
    return select(_delivery.c.id).where(_delivery.c.brief_id == brief_id, _delivery.c.due_at.is_not(None))


def _brief_values(brief: Brief) -> Values:
    return {
        "id": brief.id,
        "library_id": brief.library_id,
        "name": storable_text(brief.name),
        "note": storable_text(brief.note),
        "request": brief.request,
        "webhook_url": brief.webhook.url if brief.webhook else None,
        "webhook_secret": brief.webhook.secret if brief.webhook else None,
        "created_at": brief.created_at,
        "updated_at": brief.updated_at,
        "last_run_at": brief.last_run_at,
        "watched_seq": brief.watched_seq,
    }


def _brief_from_row(row: Row[Any]) -> Brief:
    return Brief(
        row.id,
        row.library_id,
        row.name,
        row.note,
        row.request,
        Webhook(row.webhook_url, row.webhook_secret) if row.webhook_url else None,
        row.created_at,
        row.updated_at,
        row.last_run_at,
        row.watched_seq,
    )


def _delivery_values(delivery: Delivery) -> Values:
    return {
        "id": delivery.id,
        "brief_id": delivery.brief_id,
        "body": delivery.body,
        "attempts": delivery.attempts,
        "due_at": delivery.due_at,
        "delivered_at": delivery.delivered_at,
        "error": None if delivery.error is None else storable_text(delivery.error),
        "created_at": delivery.created_at,
    }


def _delivery_from_row(row: Row[Any]) -> Delivery:
    return Delivery(
        row.id,
        row.brief_id,
        row.body,
        row.attempts,
        row.due_at,
        row.delivered_at,
        row.error,
        row.created_at,
    )
