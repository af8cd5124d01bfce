"""Stored briefs: making, changing and listing them, and what is decided on tracks."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from app.briefs import Brief, BriefCounts, Decision, Delivery, Verdict, Webhook
from app.database import Database, Transaction
from app.domain import Track, TrackKind, new_id, utc_now
from app.errors import InvalidRequest, NotEmbedded, NotFound, Transient
from app.ports import WebhookSender
from app.services.brief_runs import BriefRunner
from app.services.brief_watch import BriefWatch
from app.services.tracks import find


@dataclass(frozen=True, slots=True)
class BriefView:
    """A brief, what it refers to (``None``: deleted meanwhile), and what has come of it."""

    brief: Brief
    reference: Track | None
    counts: BriefCounts


class BriefService:
    """Keeps the briefs of libraries.

    Args:
        database: Where.
        runner: Knows what cannot be run.
        watch: Looks for new matches of briefs with a webhook.
        sender: Knows who may be told.
    """

    def __init__(self, database: Database, runner: BriefRunner, watch: BriefWatch, sender: WebhookSender) -> None:
        self._database = database
        self._runner = runner
        self._watch = watch
        self._sender = sender

    def create(
        self, library_id: str, *, name: str, note: str, request: Mapping[str, Any], webhook_url: str | None
    ) -> BriefView:
        """Store a brief that can be run, or could if only its reference were embedded.

        Raises:
            InvalidRequest: Everything that is wrong with it, together.
            NotFound: What it refers to is not in the library.
        """
        refusals = self._refusals_of_webhook(webhook_url)
        webhook = None if webhook_url is None else _new_webhook(webhook_url)
        brief = Brief(new_id(), library_id, name, note, request, webhook)
        with self._database.transaction() as tx:
            refusals += self._refusals_of_request(tx, brief)
            _raise_together(refusals)
            tx.briefs.add(brief)
            made = view(tx, [brief])[0]
        self._begin_watching(brief)
        return made

    def edit(self, library_id: str, brief_id: str, changes: Mapping[str, Any]) -> BriefView:
        """Change ``name``, ``note``, ``request`` or ``webhook_url`` and keep the others. Raises as ``create``."""
        refusals = self._refusals_of_webhook(changes.get("webhook_url"))
        with self._database.transaction() as tx:
            brief = _changed(tx.briefs.brief(library_id, brief_id), changes)
            if "request" in changes:
                refusals += self._refusals_of_request(tx, brief)
            _raise_together(refusals)
            if "webhook_url" in changes:
                tx.briefs.give_up_deliveries(brief.id, "The webhook was changed before this could be sent.")
            if "request" in changes:
                tx.briefs.forget_noted(brief.id)  # who matches now, and did not, is news again
            tx.briefs.save(brief)
            edited = view(tx, [brief])[0]
        self._begin_watching(brief)
        return edited

    def _begin_watching(self, brief: Brief) -> None:
        """Note what is there now, so that only what comes later is told of."""
        if brief.webhook is not None and brief.watched_seq is None:
            self._watch.look(brief)

    def _refusals_of_webhook(self, url: str | None) -> list[InvalidRequest]:
        """Return why nobody may be told there; asked before a transaction begins, since it may take a while."""
        try:
            if url is not None:
                self._sender.check(url)
        except InvalidRequest as error:
            return [error]
        return []

    def _refusals_of_request(self, tx: Transaction, brief: Brief) -> list[InvalidRequest]:
        """Return what is wrong with the request itself; that something is not ready yet is no reason.

        What it refers to is held, one after the other in an order that all keep: no clip expires meanwhile.
        """
        for reference in sorted(brief.references()):
            tx.catalogue.track(brief.library_id, reference, hold=True)
        try:
            self._runner.check(tx, brief)
        except (NotEmbedded, Transient):
            return []
        except InvalidRequest as error:
            return [error]
        return []

    def page(self, library_id: str, *, limit: int, cursor: str | None) -> tuple[Sequence[BriefView], str | None]:
        """Return briefs, the newest first, and the cursor of the next page."""
        with self._database.transaction(read_only=True) as tx:
            briefs, following = tx.briefs.page(library_id, limit=limit, cursor=cursor)
            return view(tx, briefs), following

    def view(self, library_id: str, brief_id: str) -> BriefView:
        """Return one. Raises ``NotFound``."""
        with self._database.transaction(read_only=True) as tx:
            return view(tx, [tx.briefs.brief(library_id, brief_id)])[0]

    def delete(self, library_id: str, brief_id: str) -> None:
        """Remove it with its decisions and messages. Raises ``NotFound``."""
        with self._database.transaction() as tx:
            tx.briefs.delete(library_id, brief_id)

    def decide(
        self, library_id: str, brief_id: str, track_id: str, verdict: Verdict, reason: str
    ) -> tuple[Track, Decision]:
        """Store what is thought of a track. Raises ``NotFound`` for a brief or track of another library, too."""
        with self._database.transaction() as tx:
            brief = tx.briefs.brief(library_id, brief_id)
            track = find(tx, library_id, track_id, TrackKind.TRACK)
            decision = Decision(track.number, verdict, reason)
            tx.briefs.decide(brief.id, decision)
        return track, decision

    def withdraw(self, library_id: str, brief_id: str, track_id: str) -> None:
        """Remove the decision on a track. Raises ``NotFound``."""
        with self._database.transaction() as tx:
            brief = tx.briefs.brief(library_id, brief_id)
            tx.briefs.withdraw(brief.id, find(tx, library_id, track_id, TrackKind.TRACK).number)

    def decisions(self, library_id: str, brief_id: str) -> Sequence[tuple[Track, Decision]]:
        """Return every decision with its track, the latest last. Raises ``NotFound``."""
        with self._database.transaction(read_only=True) as tx:
            decisions = tx.briefs.decisions(tx.briefs.brief(library_id, brief_id).id)
            tracks = tx.catalogue.tracks_by_number(library_id, [decision.number for decision in decisions])
        return [(tracks[decision.number], decision) for decision in decisions if decision.number in tracks]

    def deliveries(self, library_id: str, brief_id: str) -> Sequence[Delivery]:
        """Return the messages to its webhook, the newest first. Raises ``NotFound``."""
        with self._database.transaction(read_only=True) as tx:
            return tx.briefs.deliveries(tx.briefs.brief(library_id, brief_id).id)


def view(tx: Transaction, briefs: Sequence[Brief]) -> Sequence[BriefView]:
    """Return briefs with what belongs to them."""
    counts = tx.briefs.counts([brief.id for brief in briefs])
    return [BriefView(brief, _reference(tx, brief), counts[brief.id]) for brief in briefs]


def _reference(tx: Transaction, brief: Brief) -> Track | None:
    """Return what it refers to first; ``None`` where that was deleted, or what is stored names nothing."""
    for reference in brief.references()[:1]:
        with suppress(NotFound):
            return tx.catalogue.track(brief.library_id, reference)
    return None


def _changed(brief: Brief, changes: Mapping[str, Any]) -> Brief:
    """Return a brief with some changes. What it looks for, or whom it tells, is then new from the next round on."""
    values = {name: changes[name] for name in ("name", "note", "request") if name in changes}
    if "webhook_url" in changes:
        url = changes["webhook_url"]
        values["webhook"] = None if url is None else _new_webhook(url)
    if values.keys() & {"request", "webhook"}:
        values["watched_seq"] = None
    return replace(brief, **values, updated_at=utc_now()) if values else brief


def _raise_together(refusals: Sequence[InvalidRequest]) -> None:
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        faults = [fault for refusal in refusals for fault in refusal.faults]
        raise InvalidRequest(" ".join(map(str, refusals)), faults)


def _new_webhook(url: str) -> Webhook:
    """Return a webhook with a fresh secret of 256 random bits."""
    return Webhook(url, f"whsec_{secrets.token_urlsafe(32)}")
