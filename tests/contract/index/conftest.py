import os
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from app.adapters.faiss_index import FaissIndex
from app.adapters.memory_index import MemoryIndex
from app.adapters.milvus_index import MilvusIndex
from app.adapters.milvus_server import MilvusServer
from app.domain import EncoderInfo, Space
from app.ports import VectorIndex

MakeIndex = Callable[[EncoderInfo], VectorIndex]

A_SERVER = os.environ.get("SOUNDKIN_TEST_MILVUS")
"""URL of a Milvus server, if there is one to test with."""


@pytest.fixture(scope="session")
def encoder() -> EncoderInfo:
    spaces = (Space("timbre", 4), Space("harmony", 3), Space("rhythm", 1))
    return EncoderInfo(id="e", name="librosa", version="1", digest="d", spaces=spaces)


@pytest.fixture(scope="session")
def milvus_lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    server = MilvusServer(str(tmp_path_factory.mktemp("milvus") / "index.db"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def milvus_server() -> Iterator[MilvusServer]:
    server = MilvusServer(A_SERVER or "")
    yield server
    server.close()


@pytest.fixture(params=["memory", "faiss", "milvus lite", *(["milvus server"] if A_SERVER else [])])
def make_index(request: pytest.FixtureRequest) -> Iterator[MakeIndex]:
    kinds: dict[str, MakeIndex] = {"memory": MemoryIndex, "faiss": FaissIndex}
    if request.param in kinds:
        yield kinds[request.param]
        return
    server: MilvusServer = request.getfixturevalue(request.param.replace(" ", "_"))
    library_id, made = uuid4().hex, []

    def make(encoder: EncoderInfo) -> MilvusIndex:
        made.append(MilvusIndex(server, library_id, encoder))
        return made[-1]

    yield make
    for index in made:
        index.discard()


@pytest.fixture
def index(make_index: MakeIndex, encoder: EncoderInfo) -> VectorIndex:
    return make_index(encoder)
