"""A replacement and its answer: frozen values between the edges and the service."""

from dataclasses import dataclass

from app.constraints import Constraint
from app.retrieval import Match, SearchAnswer, SearchRequest

MAX_NEAR_MISSES = 100


@dataclass(frozen=True, slots=True)
class ReplacementRequest:
    """What shall be replaced, and by what.

    Attributes:
        search: Whose first term is the reference; the constraints are its only filter.
        constraints: Each match meets all of them.
        near_misses: How many tracks that break some are shown beside, at most.
    """

    search: SearchRequest
    constraints: tuple[Constraint, ...] = ()
    near_misses: int = 10


@dataclass(frozen=True, slots=True)
class Check:
    """Whether a track meets one constraint: what was wanted, and what it has, in words."""

    name: str
    met: bool
    wanted: str
    found: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """A track that was found, with each constraint checked on it."""

    match: Match
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class ConstraintCount:
    """How many tracks of the library, but for the references and their copies, meet one constraint alone."""

    name: str
    wanted: str
    left: int


@dataclass(frozen=True, slots=True)
class ReplacementAnswer:
    """What was found.

    Attributes:
        search: How; its matches are those below.
        matches: Best first, or with diversity in order of choice.
        near_misses: Tracks that break some constraint: the fewest broken first, then the most similar.
        constraints: Each with how many meet it.
    """

    search: SearchAnswer
    matches: tuple[Replacement, ...]
    near_misses: tuple[Replacement, ...]
    constraints: tuple[ConstraintCount, ...]
