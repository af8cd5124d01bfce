"""What a component means: one dimension of a space whose vectors are the roots of shares."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ComponentMeaning:
    """What one dimension means of a space whose vectors are the roots of shares, by the music it was learnt from.

    Attributes:
        share: Of all that music, 0 to 1.
        tags: Those that say most of it, with how many times as much of the component their tracks use as all tracks
            do; the most telling first.
    """

    share: float
    tags: tuple[tuple[str, float], ...]
