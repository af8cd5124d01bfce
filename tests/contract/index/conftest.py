from collections.abc import Callable

import pytest

from app.adapters.faiss_index import FaissIndex
from app.adapters.memory_index import MemoryIndex
from app.domain import EncoderInfo, Space
from app.ports import VectorIndex

MakeIndex = Callable[[EncoderInfo], VectorIndex]


@pytest.fixture(scope="session")
def encoder() -> EncoderInfo:
    spaces = (Space("timbre", 4), Space("harmony", 3), Space("rhythm", 1))
    return EncoderInfo(id="e", name="librosa", version="1", digest="d", spaces=spaces)


@pytest.fixture(params=[MemoryIndex, FaissIndex], ids=["memory", "faiss"])
def make_index(request: pytest.FixtureRequest) -> MakeIndex:
    kind: MakeIndex = request.param
    return kind


@pytest.fixture
def index(make_index: MakeIndex, encoder: EncoderInfo) -> VectorIndex:
    return make_index(encoder)
