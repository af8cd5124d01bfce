"""The service put together: what routes and pages find in ``request.app.state.assembly``."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.ports import Ports
from app.services import health
from app.services.access import AccessService
from app.services.feed import ChangeFeed
from app.services.health import Finding
from app.services.housekeeping import Housekeeper
from app.services.indexing import IndexKeeper
from app.services.ingest import IngestService
from app.services.search import SearchService
from app.services.tracks import TrackService


@dataclass(frozen=True, slots=True)
class Assembly:
    """Ports and the services over them."""

    ports: Ports
    access: AccessService
    ingest: IngestService
    tracks: TrackService
    feed: ChangeFeed
    housekeeper: Housekeeper
    keeper: IndexKeeper
    search: SearchService

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
