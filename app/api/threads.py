"""Threads of their own for uploads: a probe or a disk that is slow must not hold up searches."""

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request

P = ParamSpec("P")
T = TypeVar("T")

UPLOAD_THREADS = 8
"""At most so many at work at once; further uploads wait without a thread."""


def reserve_upload_threads(app: FastAPI) -> None:
    """Set the limit; to be called on the application's event loop."""
    app.state.upload_threads = anyio.CapacityLimiter(UPLOAD_THREADS)


async def in_upload_thread(request: Request, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call on a thread for uploads."""
    return await anyio.to_thread.run_sync(partial(call, *args, **kwargs), limiter=request.app.state.upload_threads)
