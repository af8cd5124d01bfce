"""Listings, which come by pages: their items one after the other."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Page(Protocol[T_co]):
    """Any page of ``app.api``."""

    @property
    def items(self) -> Sequence[T_co]: ...
    @property
    def next_cursor(self) -> str | None: ...


def items_of(page_after: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """Give the items of all pages; ``page_after`` reads the one that a cursor names, or the first."""
    cursor = None
    while True:
        page = page_after(cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


async def items_coming(page_after: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """As ``items_of``, on an event loop."""
    cursor = None
    while True:
        page = await page_after(cursor)
        for item in page.items:
            yield item
        cursor = page.next_cursor
        if cursor is None:
            return
