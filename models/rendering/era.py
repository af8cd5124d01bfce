"""When music was composed: half-centuries, from dates as scores state them."""

import re

from models.rendering.composers import LIFETIMES

WORKING_AGE = 18
"""Years after birth from which on a composer composes, where nothing else is known."""

_YEAR = re.compile(r"(?<!\d)1[0-9]\d\d(?!\d)|(?<!\d)20\d\d(?!\d)")


def half_century(year: int) -> str:
    """Such as ``1750-1799``."""
    first = year - year % 50
    return f"{first}-{first + 49}"


def composition_era(date: str, composer: str) -> str:
    """Half-century of composition; empty where it cannot be told.

    A date on a score may be that of an edition, so it counts only within the composer's lifetime. Without such a
    date the whole working life has to lie in one half-century.

    Args:
        date: As written; its first year is meant.
        composer: Key of LIFETIMES; an unknown one has no era.
    """
    if composer not in LIFETIMES:
        return ""
    born, died = LIFETIMES[composer]
    years = [int(year) for year in _YEAR.findall(date)]
    if years and born < years[0] <= died:
        return half_century(years[0])
    return working_era(born, died)


def working_era(born: int, died: int) -> str:
    """Half-century in which the whole working life lies; empty where it is more than one."""
    eras = {half_century(born + WORKING_AGE), half_century(max(born + WORKING_AGE, died - 1))}
    return eras.pop() if len(eras) == 1 else ""
