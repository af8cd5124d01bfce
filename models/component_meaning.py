"""What a component of a mixture means, as people may read it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ComponentMeaning:
    """Of one component, by the music that it was learnt from.

    Attributes:
        share: Of all tracks together, 0 to 1.
        tags: Those that say most of it, with how many times as much of the component their tracks use as all tracks
            do; the most telling first.
    """

    share: float
    tags: tuple[tuple[str, float], ...]
