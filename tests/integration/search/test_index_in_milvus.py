"""Several web processes whose indexes lie in one Milvus, and the command that fills it."""

import sys

import pytest
from typer.testing import CliRunner

from app.adapters.milvus_collection import MilvusCollection
from app.adapters.milvus_server import MilvusServer
from app.adapters.sql_database import SqlDatabase
from app.cli import commands
from app.cli.doctor import _check_milvus
from app.domain import DEFAULT_LIBRARY, ChangeKind
from app.errors import ConfigurationError, IndexUnavailable
from app.services.health import examine
from app.services.indexing import IndexKeeper
from app.services.kept_index import KeptIndex
from app.settings import Settings, read_settings
from app.wiring import index_factory


@pytest.fixture
def settings(tmp_path, sqlite_url, monkeypatch):
    """A data directory with a database and Milvus Lite in it, known to commands by the environment."""
    url = str(tmp_path / "milvus.db")
    for name, value in (("DATA_DIR", tmp_path), ("DATABASE_URL", sqlite_url), ("MILVUS_URL", url)):
        monkeypatch.setenv(f"SOUNDKIN_{name}", str(value))
    yield read_settings(index="milvus", _env_file=None)
    MilvusServer(url).close()


@pytest.fixture
def milvus_world(settings, world_on):
    database = SqlDatabase(settings.resolved_database_url)
    yield world_on(database, None)
    database.close()


@pytest.fixture
def replica(settings, milvus_world, tmp_path):
    """Start web processes, each with a folder of its own."""

    def start(name):
        keeper = IndexKeeper(milvus_world.database, index_factory(settings), tmp_path / name)
        keeper.catch_up()
        return keeper

    return start


def held(keeper, world):
    return keeper.get(DEFAULT_LIBRARY, world.encoder.id).index


def collections(settings):
    return MilvusServer(settings.milvus_url).call("list_collections")


def migrate():
    return CliRunner().invoke(commands, ["index", "migrate", "--to", "milvus"], catch_exceptions=False)


def test_a_process_without_a_file_starts_from_what_others_have_built(milvus_world, replica, monkeypatch):
    track = milvus_world.track("one", timbre=10, rhythm=20)
    first = replica("first")
    first.close()
    monkeypatch.setattr(MilvusCollection, "create", None)  # nothing may be built anew
    second = replica("second")
    assert held(second, milvus_world).numbers().tolist() == [track.number]
    assert second.check() == []


def test_every_process_finds_what_was_added_and_nothing_that_was_deleted(milvus_world, replica):
    gone, near, far = (
        milvus_world.track(name, timbre=at, rhythm=0) for name, at in (("a", 0), ("b", 5), ("c", 90))
    )
    replicas = [replica("first")]
    replicas[0].save()
    replicas.append(replica("second"))
    milvus_world.delete(gone)
    milvus_world.move(far, timbre=1, rhythm=0)
    for keeper in replicas:
        keeper.catch_up()
        assert keeper.check() == []
        milvus_world.keeper = keeper
        answer = milvus_world.search(near)
        assert [match.track.id for match in answer.matches] == [far.id]
        assert answer.exact


def test_indexes_that_are_built_anew_leave_no_others_behind(milvus_world, replica, settings):
    milvus_world.track("one", timbre=10, rhythm=20)
    first = replica("first")
    first.save()
    second = replica("second")
    before = collections(settings)
    first.rebuild()
    first.save()
    assert len(collections(settings)) == len(before) == 1
    assert collections(settings) != before
    track = milvus_world.track("two", timbre=10, rhythm=20)
    second.catch_up()
    assert track.number in held(second, milvus_world).numbers()


def retire(world):
    """Promote a successor of the world's encoder."""
    with world.database.transaction() as tx:
        other = tx.catalogue.announce_encoder(world.new_encoder(digest="b" * 64))
        tx.catalogue.promote_encoder(other.id, default=True)
        tx.changes.append(DEFAULT_LIBRARY, ChangeKind.ENCODER_UPDATED, other.id)


def test_a_retired_encoder_leaves_nothing_in_milvus(milvus_world, replica, settings):
    milvus_world.track("one", timbre=10, rhythm=20)
    replicas = [replica("first"), replica("second")]
    for keeper in replicas:
        keeper.save()
    index = held(replicas[0], milvus_world)
    before = collections(settings)
    retire(milvus_world)
    for keeper in replicas:
        keeper.catch_up()
    assert len(index) == 0
    assert not set(before) & set(collections(settings))


def test_what_an_encoder_left_in_milvus_that_was_retired_while_nobody_followed_is_removed(
    milvus_world, replica, settings
):
    milvus_world.track("one", timbre=10, rhythm=20)
    replica("first").close()
    before = collections(settings)
    retire(milvus_world)
    replica("second")
    assert before
    assert not set(before) & set(collections(settings))


def test_a_search_while_milvus_is_away_is_told_so(milvus_world, replica, monkeypatch):
    track = milvus_world.track("one", timbre=10, rhythm=20)
    milvus_world.keeper = replica("first")

    def away(*_, **__):
        raise IndexUnavailable("Milvus is away")

    monkeypatch.setattr(MilvusServer, "call", away)
    with pytest.raises(IndexUnavailable):
        milvus_world.search(track)
    milvus_world.keeper.save()
    assert milvus_world.keeper.status().indexes[0].tracks == 1


def test_migrating_fills_milvus_so_that_the_service_starts_from_it(milvus_world, replica, monkeypatch):
    for place in range(7):
        milvus_world.track(f"{place}", timbre=place, rhythm=20)
    result = migrate()
    assert result.exit_code == 0
    assert "7 tracks" in result.stdout
    assert "SOUNDKIN_INDEX=milvus" in result.stdout
    monkeypatch.setattr(MilvusCollection, "create", None)
    keeper = replica("first")
    assert keeper.check() == []
    assert len(held(keeper, milvus_world)) == 7


def test_migrating_again_writes_only_what_has_changed(milvus_world, settings, monkeypatch):
    tracks = [milvus_world.track(f"{place}", timbre=place, rhythm=20) for place in range(7)]
    migrate()
    milvus_world.move(tracks[2], timbre=100, rhythm=20)
    milvus_world.delete(tracks[4])
    written = []
    upsert = MilvusCollection.upsert
    monkeypatch.setattr(
        MilvusCollection, "upsert", lambda self, *rows: written.append(rows[0].tolist()) or upsert(self, *rows)
    )
    assert "6 tracks" in migrate().stdout
    assert written == [[tracks[2].number]]
    assert len(collections(settings)) == 1


def test_migrating_goes_on_where_it_was_interrupted(milvus_world, monkeypatch):
    for place in range(7):
        milvus_world.track(f"{place}", timbre=place, rhythm=20)
    upsert = MilvusCollection.upsert

    def interrupted(self, numbers, vectors):
        upsert(self, numbers[:5], vectors[:5])
        raise IndexUnavailable("Milvus went away")

    with monkeypatch.context() as patch:
        patch.setattr(MilvusCollection, "upsert", interrupted)
        with pytest.raises(IndexUnavailable):
            migrate()
    written = []
    monkeypatch.setattr(
        MilvusCollection, "upsert", lambda self, *rows: written.append(len(rows[0])) or upsert(self, *rows)
    )
    assert "7 tracks" in migrate().stdout
    assert written == [2]


def test_migrating_beside_a_service_that_is_there_already_undoes_none_of_its_writes(
    milvus_world, replica, monkeypatch
):
    moved, gone, *_ = [milvus_world.track(f"{place}", timbre=place, rhythm=20) for place in range(7)]
    keeper = replica("first")
    keeper.save()
    complete = KeptIndex.complete

    def beside(self, catalogue, tell):
        """As a write of the service comes after the migration has begun to read."""
        milvus_world.move(moved, timbre=100, rhythm=20)
        milvus_world.delete(gone)
        milvus_world.track("late", timbre=50, rhythm=20)
        keeper.catch_up()
        complete(self, catalogue, tell)

    monkeypatch.setattr(KeptIndex, "complete", beside)
    result = migrate()
    assert result.exit_code == 0
    assert "7 tracks" in result.stdout
    assert "meanwhile" not in result.stderr
    assert keeper.check() == []


def test_going_back_to_faiss_needs_no_copying():
    result = CliRunner().invoke(commands, ["index", "migrate", "--to", "faiss"])
    assert "SOUNDKIN_INDEX=faiss" in result.stdout


def test_a_missing_client_is_named_with_what_to_install(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "app.adapters.milvus_server", None)
    with pytest.raises(ConfigurationError, match=r"pip install soundkin\[milvus\]"):
        index_factory(settings)


@pytest.mark.parametrize("url", ["milvus", "localhost:19530", "data/milvus"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ConfigurationError, match="SOUNDKIN_MILVUS_URL"):
        read_settings(_env_file=None, milvus_url=url)


def test_the_doctor_says_that_milvus_does_not_answer():
    settings = Settings(_env_file=None, index="milvus", milvus_url="http://127.0.0.1:9")
    (finding,) = examine([("milvus", lambda: _check_milvus(settings))])
    assert finding.verdict == "fail"
    assert "SOUNDKIN_MILVUS_URL" in finding.message
