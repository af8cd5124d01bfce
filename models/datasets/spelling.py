"""Telling a slip of the pen from another word."""

from collections.abc import Iterable

_SEPARATORS = str.maketrans("", "", " -_")

LONG_WORD = 7
"""Letters from which on two slips are believed."""


def fold(text: str) -> str:
    """Lower case, without spaces, hyphens and underscores: what differs only so is the same word."""
    return text.casefold().translate(_SEPARATORS)


def edit_distance(one: str, other: str, most: int | None = None) -> int:
    """Fewest insertions, deletions, replacements and swaps of neighbours (optimal string alignment).

    Args:
        one: A text.
        other: Another.
        most: Beyond this the distance does not matter: what is returned is merely above it.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        oldest, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted)))
            if i > 1 and j > 1 and one[i - 2 : i] == wanted + other[j - 2]:
                row[j] = min(row[j], oldest[j - 2] + 1)
        if most is not None and min(row) > most:
            return most + 1
    return row[-1]


def is_near(text: str, word: str, *, long_word: int = LONG_WORD) -> bool:
    """Whether a text is likely a word misspelt: one slip, or two in a word of ``long_word`` letters."""
    one, other = fold(text), fold(word)
    slips = 2 if len(other) >= long_word else 1
    return abs(len(one) - len(other)) <= slips and edit_distance(one, other, slips) <= slips


def nearest(text: str, words: Iterable[str]) -> str | None:
    """The word that was likely meant, the first of equals; ``None`` where none is near."""
    near = [word for word in words if is_near(text, word)]
    return min(near, key=lambda word: edit_distance(fold(text), fold(word)), default=None)


def suggestion(text: str, words: Iterable[str]) -> str:
    """The end of a sentence about an unknown text: `` (did you mean …?)``, or nothing."""
    word = nearest(text, words)
    return "" if word is None else f" (did you mean '{word}'?)"
