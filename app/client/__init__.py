"""The service as a Python program sees it: typed, patient, synchronous or not.

from app.client import Client

with Client("http://127.0.0.1:8000") as client:
    track = client.add(Path("song.flac"))
    for match in client.search({"terms": [{"track": track.id}], "k": 5}).matches:
        print(match.track.metadata.title, match.similarity)
"""

from app.client.async_client import AsyncClient
from app.client.errors import EveryCallRefused, JobGivenUp, ServiceAway, ServiceRefused
from app.client.sync_client import Client

__all__ = ["AsyncClient", "Client", "EveryCallRefused", "JobGivenUp", "ServiceAway", "ServiceRefused"]
