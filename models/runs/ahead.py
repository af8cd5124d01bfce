"""Batches that are made ready while the one before is learnt from."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AHEAD = 2

Key = TypeVar("Key")
Batch = TypeVar("Batch")


def made_ahead(make: Callable[[Key], Batch], keys: Iterable[Key]) -> Iterator[Batch]:
    """What ``make`` gives for each key, in their order, by a thread that is up to AHEAD of whoever takes them."""
    with ThreadPoolExecutor(1) as pool:
        ready: deque[Future[Batch]] = deque()
        for key in keys:
            ready.append(pool.submit(make, key))
            if len(ready) > AHEAD:
                yield ready.popleft().result()
        while ready:
            yield ready.popleft().result()
