"""Briefs that nothing answers well: what the catalogue lacks."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.database import Database, Transaction
from app.errors import Conflict, InvalidRequest, NotEmbedded, NotFound
from app.replacement import ConstraintCount
from app.services.brief_runs import BriefRunner
from app.services.briefs import BriefView, view

MOST_BRIEFS = 200
"""So many are looked at, the newest: each costs a search."""

_NOTHING = -2.0
"""Worse than any similarity."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A brief without a good answer.

    Attributes:
        view: The brief.
        best: Similarity of its best match; ``None`` where nothing matches.
        matches: How many there are.
        reason: Why that is no good answer.
        constraints: Each with how many tracks meet it.
        ran: Whether it could be run at all.
    """

    view: BriefView
    best: float | None
    matches: int
    reason: str
    constraints: Sequence[ConstraintCount] = ()
    ran: bool = True


class GapFinder:
    """Runs briefs to see which are not answered."""

    def __init__(self, database: Database, runner: BriefRunner) -> None:
        self._database = database
        self._runner = runner

    def gaps(self, library_id: str, min_similarity: float) -> Sequence[Gap]:
        """Return the briefs whose best match is less similar than that, the worst first.

        A brief with a shortlisted track is answered. Those that cannot be run come last, with the reason.

        Raises:
            Transient: The index is still being loaded.
        """
        with self._database.transaction(read_only=True) as tx:
            briefs, _ = tx.briefs.page(library_id, limit=MOST_BRIEFS)
            open_ones = [each for each in view(tx, briefs) if not each.counts.shortlisted]
            found = [self._gap(tx, each, min_similarity) for each in open_ones]
        gaps = [gap for gap in found if gap is not None]
        return sorted(gaps, key=lambda gap: (not gap.ran, _NOTHING if gap.best is None else gap.best))

    def _gap(self, tx: Transaction, each: BriefView, min_similarity: float) -> Gap | None:
        try:
            answer = self._runner.find_in_short(tx, each.brief)
        except (Conflict, InvalidRequest, NotEmbedded, NotFound) as error:
            return Gap(each, None, 0, str(error), ran=False)
        similarities = [found.match.similarity for found in answer.matches]
        if not similarities:
            return Gap(each, None, 0, answer.search.empty_because or "", answer.constraints)
        best = max(similarities)
        if best >= min_similarity:
            return None
        reason = f"The best match has a similarity of {best:.2f}, below {min_similarity:g}."
        return Gap(each, best, len(similarities), reason, answer.constraints)
