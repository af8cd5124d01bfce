"""Server-sent events: the change log of the caller's library, resumable by the number of the last change seen."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.api.dependencies import AssemblyDep, Reader, credentials_of
from app.api.schemas import JobResponse
from app.database import Transaction
from app.domain import Change, ChangeKind
from app.errors import Forbidden, NotFound, SoundkinError, Transient, Unauthenticated
from app.services.assembly import Assembly
from app.services.credentials import Credentials

router = APIRouter(prefix="/v1/events", tags=["events"])

HEARTBEAT_S = 15.0
BATCH = 500
RECONNECT_MS = 2000


@router.get("", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def follow(
    _: Reader,
    request: Request,
    assembly: AssemblyDep,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=2**62, description="Number of the last event seen.")
    ] = None,
) -> StreamingResponse:
    """Follow what happens to tracks and jobs, for as long as key or session last.

    Job events carry the job; comments are signs of life.
    """
    start = last_event_id if last_event_id is not None else await run_in_threadpool(_last_seq, assembly)
    return StreamingResponse(
        _events(assembly, credentials_of(request), start),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _last_seq(assembly: Assembly) -> int:
    with assembly.ports.database.transaction(read_only=True) as tx:
        return tx.changes.last_seq()


async def _events(assembly: Assembly, credentials: Credentials, seq: int) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody listens any more
            loop.call_soon_threadsafe(changed.set)

    assembly.feed.listen(wake)
    try:
        yield f"retry: {RECONNECT_MS}\nid: {seq}\nevent: connected\ndata: {{}}\n\n"
        while not assembly.feed.stopping:
            changed.clear()
            events, seq, more = await run_in_threadpool(_read_for, assembly, credentials, seq)
            if events:
                yield "".join(events)
            elif not more and not await _woken(changed):
                yield ": still here\n\n"
    except (Unauthenticated, Forbidden):
        return  # the key was revoked or the session is over: the client is told so when it connects again
    finally:
        assembly.feed.leave(wake)


async def _woken(changed: asyncio.Event) -> bool:
    """Wait for changes; ``False`` when it is time for a sign of life that keeps proxies from giving up."""
    try:
        await asyncio.wait_for(changed.wait(), HEARTBEAT_S)
    except TimeoutError:
        return False
    return True


def _read_for(assembly: Assembly, credentials: Credentials, seq: int) -> tuple[Sequence[str], int, bool]:
    """Read on, as long as key or session last. Raises ``Unauthenticated`` or ``Forbidden`` when they do not."""
    try:
        caller = assembly.access.authenticate(credentials)
    except Transient:
        return [], seq, False
    return _read(assembly, caller.library_id, seq)


def _read(assembly: Assembly, library_id: str, seq: int) -> tuple[Sequence[str], int, bool]:
    """Return the next events, the number to go on from, and whether there may be more at once."""
    try:
        with assembly.ports.database.transaction(read_only=True) as tx:
            changes = tx.changes.after(seq, library_id=library_id, limit=BATCH)
            more = len(changes) == BATCH
            last = changes[-1].seq if more else tx.changes.last_seq()  # not again through what others did
            events = [_event(tx, change) for change in changes]
    except SoundkinError:
        return [], seq, False  # the database is away: the client keeps its place and hears more when it is back
    return events, last, more


def _event(tx: Transaction, change: Change) -> str:
    data: dict[str, object] = {"kind": change.kind, "subject": change.subject, "at": change.at.isoformat()}
    if change.kind is ChangeKind.JOB_UPDATED:
        with suppress(NotFound):
            job = tx.queue.job(change.library_id, change.subject)
            data["job"] = JobResponse.of(job).model_dump(mode="json")
    return f"id: {change.seq}\nevent: {change.kind}\ndata: {json.dumps(data)}\n\n"
