"""The service put together: what routes and pages find in ``request.app.state.assembly``."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.ports import Ports
from app.services import health
from app.services.access import AccessService
from app.services.brief_gaps import GapFinder
from app.services.brief_runs import BriefRunner
from app.services.brief_watch import BriefWatch
from app.services.briefs import BriefService
from app.services.deliveries import Courier
from app.services.feed import ChangeFeed
from app.services.feedback import FeedbackService
from app.services.health import Finding
from app.services.housekeeping import Housekeeper
from app.services.indexing import IndexKeeper
from app.services.ingest import IngestService
from app.services.maps import MapService
from app.services.rate_limits import RateLimits
from app.services.replacements import ReplacementService
from app.services.search import SearchService
from app.services.sections import SectionService
from app.services.sessions import SessionService
from app.services.track_counts import TrackCounts
from app.services.tracks import TrackService
from app.services.weightings import WeightingService


@dataclass(frozen=True, slots=True)
class Assembly:
    """Ports and the services over them."""

    ports: Ports
    access: AccessService
    limits: RateLimits
    sessions: SessionService
    ingest: IngestService
    tracks: TrackService
    feed: ChangeFeed
    housekeeper: Housekeeper
    keeper: IndexKeeper
    search: SearchService
    sections: SectionService
    replacements: ReplacementService
    briefs: BriefService
    brief_runs: BriefRunner
    brief_watch: BriefWatch
    gaps: GapFinder
    feedback: FeedbackService
    weightings: WeightingService
    courier: Courier
    maps: MapService
    counts: TrackCounts

    def examine(self) -> Iterator[Finding]:
        """Check what requests need. Never raises an error of ours."""
        ports = self.ports
        trouble = ports.worker.trouble() if ports.worker else None
        return health.examine(
            (
                ("database", lambda: health.check_database(ports.database)),
                ("audio store", lambda: health.check_store(ports.store)),
                ("doorbell", lambda: health.check_doorbell(ports.doorbell)),
                ("workers", lambda: health.check_workers(ports.database, trouble)),
                ("index", lambda: health.check_index(self.keeper.status())),
            )
        )
