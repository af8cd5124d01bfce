"""Sending the messages of briefs to their webhooks, again and again until they are taken or a day is over."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from app.briefs import Delivery, DueDelivery
from app.database import Database
from app.domain import utc_now
from app.ports import NotTaken, WebhookSender
from app.services.rounds import Rounds

log = structlog.get_logger(__name__)

GIVEN_UP_AFTER = timedelta(hours=24)

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)

PUT_OFF_FOR = timedelta(seconds=15)
"""So long a message waits when another of its brief found the receiver away. Shorter than every pause, so that the
next time it goes before the one that failed."""

TAKEN_FOR = timedelta(minutes=2)
"""So long a message belongs to who took it; then it is due again, since whoever took it has died. Longer than
sending takes."""

ROUND_S = 60.0
"""After so long a round ends, so that whoever waits for its end is not held up."""


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts, at least one: twice as long each time, up to an hour."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempts - 1, 16))


class Courier:
    """Sends what is due, one message after the other, in a thread of its own.

    A receiver that is slow or away keeps the others waiting for its time-out, once for each of its briefs.

    Any number of processes may do so at the same time. A message is sent at least once: who receives it twice knows
    it by its id.
    """

    def __init__(
        self,
        database: Database,
        sender: WebhookSender,
        *,
        interval_s: float = 5.0,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._sender = sender
        self._clock = clock
        self._rounds = Rounds("courier", self.deliver_due, interval_s)

    def start(self) -> None:
        """Begin."""
        self._rounds.start()

    def close(self) -> None:
        """Finish the message at hand and stop."""
        self._rounds.close()

    def deliver_due(self) -> int:
        """Send what is due; return how many messages were taken.

        A receiver that is away is asked for one message at a time: the others of the brief are put off.
        """
        delivered = 0
        deadline = time.monotonic() + ROUND_S
        while time.monotonic() < deadline and not self._rounds.is_over:
            due = self._take()
            if due is None:
                break
            problem = self._send(due)
            delivered += problem is None
            self._settle(due.delivery, problem)
            if problem is not None and problem.away:
                self._put_off(due.delivery.brief_id, problem)
        return delivered

    def _take(self) -> DueDelivery | None:
        """Take the message that is due for longest, so that no other process sends it meanwhile."""
        now = self._clock()
        with self._database.transaction(read_only=True) as tx:
            if not tx.briefs.due_deliveries(now, limit=1):
                return None  # as a rule: looking must not hold up writers
        with self._database.transaction() as tx:
            for due in tx.briefs.due_deliveries(now, limit=1):
                taken = replace(due.delivery, attempts=due.delivery.attempts + 1, due_at=now + TAKEN_FOR)
                tx.briefs.save_delivery(taken)
                return replace(due, delivery=taken)
        return None

    def _send(self, due: DueDelivery) -> NotTaken | None:
        """Send a message; whatever goes wrong with it is no matter of the others that are due."""
        delivery, webhook = due.delivery, due.webhook
        try:
            return self._sender.send(webhook.url, delivery.body, secret=webhook.secret, delivery_id=delivery.id)
        except Exception as error:
            log.exception("message cannot be sent", delivery=delivery.id)
            return NotTaken(f"It cannot be sent: unexpected {type(error).__name__}; the service's log says more.")

    def _settle(self, taken: Delivery, problem: NotTaken | None) -> None:
        """Store what came of it, unless somebody has decided on the message meanwhile."""
        outcome = self._outcome(taken, problem)
        log.info("message sent", delivery=taken.id, attempts=taken.attempts, error=outcome.error)
        with self._database.transaction() as tx:
            if problem is None:
                tx.briefs.save_delivery(outcome)
            else:
                tx.briefs.settle_delivery(outcome, taken.due_at)

    def _put_off(self, brief_id: str, problem: NotTaken) -> None:
        """Let what else is due of a brief wait, as if it had not been due yet; what is older than a day is over."""
        now = self._clock()
        with self._database.transaction() as tx:
            tx.briefs.give_up_deliveries(brief_id, _given_up(problem), until=now - GIVEN_UP_AFTER)
            tx.briefs.put_off_deliveries(brief_id, now, now + PUT_OFF_FOR)

    def _outcome(self, taken: Delivery, problem: NotTaken | None) -> Delivery:
        now = self._clock()
        if problem is None:
            return replace(taken, due_at=None, delivered_at=now, error=None)
        if now - taken.created_at >= GIVEN_UP_AFTER:
            return replace(taken, due_at=None, error=_given_up(problem))
        return replace(taken, due_at=now + pause_after(taken.attempts), error=problem.reason)


def _given_up(problem: NotTaken) -> str:
    return f"Given up after a day. {problem.reason}"
