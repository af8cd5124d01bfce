"""What several people do to one track at the same moment is all heeded."""

import threading
import time
from datetime import timedelta

import pytest

from app.adapters.memory_audio_store import MemoryAudioStore
from app.domain import DEFAULT_LIBRARY, Metadata, StoredAudio, Track, TrackKind, new_id, utc_now
from app.services import tracks as tracks_service
from app.services.briefs import BriefService
from app.services.housekeeping import delete_expired_clips
from app.services.tracks import TrackService


@pytest.fixture
def track(database):
    audio = StoredAudio(None, "a" * 64, 1, "audio/wav", "x.wav")
    with database.transaction() as tx:
        return tx.catalogue.add_track(Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, Metadata(), audio))


def test_two_edits_at_once_of_different_fields_are_both_kept(database, track, monkeypatch):
    merge = tracks_service.merge

    def merge_slowly(known, declared):
        time.sleep(0.3)  # the other one reads meanwhile, unless it waits for the track or for its turn
        return merge(known, declared)

    monkeypatch.setattr(tracks_service, "merge", merge_slowly)
    service = TrackService(database, MemoryAudioStore())
    edits = [{"licence": "CC0"}, {"denied_tags": ["loud"]}]
    threads = [threading.Thread(target=service.edit, args=(DEFAULT_LIBRARY, track.id, edit)) for edit in edits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.transaction(read_only=True) as tx:
        edited = tx.catalogue.track(DEFAULT_LIBRARY, track.id).metadata
    assert (edited.licence, edited.denied_tags) == ("CC0", ("loud",))


def test_a_clip_whose_time_is_over_stays_when_a_brief_is_just_being_made_of_it(database):
    audio = StoredAudio(None, "c" * 64, 1, "audio/wav", "x.wav")
    over = utc_now() - timedelta(hours=1)
    with database.transaction() as tx:
        made = Track(new_id(), DEFAULT_LIBRARY, TrackKind.CLIP, Metadata(), audio, expires_at=over)
        clip = tx.catalogue.add_track(made)
    service = TrackService(database, MemoryAudioStore())
    keeper = threading.Thread(target=delete_expired_clips, args=(database, service))

    class Runner:
        def check(self, _tx, _brief):
            keeper.start()
            keeper.join(0.5)  # it waits for the clip, or for its turn

    briefs = BriefService(database, Runner(), None, None)
    request = {"reference": {"clip": clip.id}}
    brief = briefs.create(DEFAULT_LIBRARY, name="Rain", note="", request=request, webhook_url=None).brief
    keeper.join()
    assert briefs.view(DEFAULT_LIBRARY, brief.id).reference == clip
    briefs.delete(DEFAULT_LIBRARY, brief.id)
    assert [delete_expired_clips(database, service) for _ in range(2)] == [1, 0]
