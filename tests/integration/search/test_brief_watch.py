"""New matches of briefs with a webhook are told of, each once."""

import json
import threading
import time
from dataclasses import replace

import pytest

from app.adapters.memory_webhooks import MemoryWebhookSender
from app.api.replacement_schemas import stored_request
from app.briefs import Verdict
from app.domain import DEFAULT_LIBRARY, ChangeKind, utc_now
from app.services.brief_runs import BriefRunner
from app.services.brief_watch import BriefWatch, message
from app.services.briefs import BriefService
from app.services.encoders import promote
from app.services.replacements import ReplacementService
from app.services.search import SearchService

HOOK = "https://example.org/hook"


class Office:
    """Briefs over a world."""

    def __init__(self, world):
        self.world = world
        replacements = ReplacementService(world.database, SearchService(world.database, world.keeper))
        self.runner = BriefRunner(world.database, replacements, stored_request)
        self.watch = BriefWatch(world.database, world.keeper, self.runner)
        self.briefs = BriefService(world.database, self.runner, self.watch, MemoryWebhookSender())

    def brief(self, reference, *, webhook_url=HOOK, library_id=DEFAULT_LIBRARY, name="Rain", **request):
        self.world.keeper.catch_up()
        request = {"reference": {"track": reference.id}, **request}
        made = self.briefs.create(library_id, name=name, note="", request=request, webhook_url=webhook_url)
        return made.brief

    def round(self):
        self.world.keeper.catch_up()
        return self.watch.round()

    def told(self, brief):
        """Titles in the messages so far, one list for each."""
        bodies = [json.loads(each.body) for each in self.briefs.deliveries(brief.library_id, brief.id)]
        return [[match["track"]["title"] for match in body["matches"]] for body in reversed(bodies)]

    def run(self, brief):
        self.world.keeper.catch_up()
        run = self.runner.run(brief.library_id, brief.id, rejected=False, remember=True)
        titles = {found.match.track.number: found.match.track.metadata.title for found in run.answer.matches}
        return [titles[number] for number in run.new]


@pytest.fixture
def office(world):
    return Office(world)


def give_licence(world, track):
    with world.database.transaction() as tx:
        tx.catalogue.update_metadata(DEFAULT_LIBRARY, track.id, replace(track.metadata, licence="CC0"))
        tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_UPDATED, track.id, track.number)


def test_what_was_there_before_the_webhook_is_not_told_of_what_comes_later_is_once(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    world.track("old", timbre=10, rhythm=0)
    brief = office.brief(reference)
    assert office.round() == 0
    world.track("new", timbre=20, rhythm=0, artist="Ada")
    assert office.round() == 1
    assert office.round() == 0
    assert office.told(brief) == [["new"]]
    [delivery] = office.briefs.deliveries(DEFAULT_LIBRARY, brief.id)
    body = json.loads(delivery.body)
    assert body["event"] == "brief.matches"
    assert body["id"] == delivery.id
    assert body["brief"] == {"id": brief.id, "name": "Rain"}
    assert body["matches"][0]["track"]["artist"] == "Ada"
    assert body["matches"][0]["similarity"] == pytest.approx((1 + 0.9397) / 2, abs=1e-3)
    assert (delivery.attempts, delivery.delivered_at, delivery.error) == (0, None, None)
    with world.database.transaction() as tx:
        assert [due.delivery for due in tx.briefs.due_deliveries(delivery.due_at)] == [delivery]


def test_a_track_that_begins_to_meet_the_constraints_is_told_of(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    track = world.track("other", timbre=10, rhythm=0)
    brief = office.brief(reference, constraints={"licences": ["CC0"]})
    give_licence(world, track)
    office.round()
    assert office.told(brief) == [["other"]]


@pytest.mark.parametrize("default", [True, False])
def test_what_a_promoted_encoder_finds_is_told_of_once(world, office, default):
    reference = world.track("reference", timbre=0, rhythm=0)
    near, far = world.track("near", timbre=10, rhythm=0), world.track("far", timbre=90, rhythm=0)
    brief = office.brief(reference, k=1)
    with world.database.transaction() as tx:
        shadow = tx.catalogue.announce_encoder(world.new_encoder("csn" if default else "librosa", "b" * 64))
    for track, angle in ((reference, 0), (near, 90), (far, 10)):
        world.move(track, encoder=shadow, timbre=angle, rhythm=0)
    assert office.round() == 0
    promote(world.database, shadow.id, default=default)
    assert office.round() == 1
    assert office.round() == 0
    assert office.told(brief) == [["far"]]


def test_an_encoder_that_does_not_answer_the_brief_makes_no_old_track_news(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    tracks = [world.track(f"old {angle}", timbre=angle, rhythm=0) for angle in (10, 20)]
    brief = office.brief(reference, k=1)
    office.briefs.decide(DEFAULT_LIBRARY, brief.id, tracks[0].id, Verdict.REJECTED, "no")
    for name, digest in (("librosa", "b"), ("csn", "c")):
        with world.database.transaction() as tx:
            other = tx.catalogue.announce_encoder(world.new_encoder(name, digest * 64))
            tx.changes.append(DEFAULT_LIBRARY, ChangeKind.ENCODER_UPDATED, other.id)
    assert office.round() == 0
    assert office.told(brief) == []


def test_what_meets_constraints_beside_an_edited_reference_is_told_of_once(world, office):
    reference = world.track("reference", timbre=0, rhythm=0, artist="Ada")
    world.track("other", timbre=10, rhythm=0, artist="Ada")
    brief = office.brief(reference, constraints={"other_artist": True})
    with world.database.transaction() as tx:
        tx.catalogue.update_metadata(DEFAULT_LIBRARY, reference.id, replace(reference.metadata, artist="Bea"))
        tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_UPDATED, reference.id, reference.number)
    assert office.round() == 1
    assert office.round() == 0
    assert office.told(brief) == [["other"]]


def test_what_is_near_a_reference_that_was_heard_anew_is_told_of(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    world.track("near", timbre=10, rhythm=0)
    world.track("far", timbre=90, rhythm=0)
    brief = office.brief(reference, k=1)
    world.move(reference, timbre=80, rhythm=0)
    office.round()
    assert office.told(brief) == [["far"]]


def test_what_a_person_saw_is_not_told_of_and_what_was_told_of_is_still_new_to_a_person(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    world.track("old", timbre=10, rhythm=0)
    brief = office.brief(reference)
    assert office.run(brief) == []
    world.track("seen", timbre=20, rhythm=0)
    assert office.run(brief) == ["seen"]
    world.track("told", timbre=30, rhythm=0)
    office.round()
    assert office.told(brief) == [["told"]]
    assert office.run(brief) == ["told"]


def test_a_rejected_track_is_not_told_of(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    brief = office.brief(reference)
    track = world.track("new", timbre=20, rhythm=0)
    office.briefs.decide(DEFAULT_LIBRARY, brief.id, track.id, Verdict.REJECTED, "no")
    assert office.round() == 0
    assert office.told(brief) == []


def test_an_old_track_that_moves_up_is_not_told_of_and_never_will_be(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    tracks = [world.track(f"old {angle}", timbre=angle, rhythm=0) for angle in (10, 20, 30, 40)]
    brief = office.brief(reference, k=2)
    office.briefs.decide(DEFAULT_LIBRARY, brief.id, tracks[0].id, Verdict.REJECTED, "no")
    world.track("far", timbre=90, rhythm=0)
    assert office.round() == 0
    world.delete(tracks[1])
    assert office.round() == 0
    world.track("new", timbre=5, rhythm=0)
    assert office.round() == 1
    assert office.told(brief) == [["new"]]


def test_where_the_change_log_is_too_short_whatever_is_fresh_is_told_of(world, office, monkeypatch):
    monkeypatch.setattr("app.services.brief_watch._MOST", 2)
    reference = world.track("reference", timbre=0, rhythm=0)
    brief = office.brief(reference)
    for angle in (10, 20):
        world.track(f"new {angle}", timbre=angle, rhythm=0)
    assert office.round() == 1
    assert office.told(brief) == [["new 10", "new 20"]]


def test_a_brief_without_a_webhook_is_not_watched(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    brief = office.brief(reference, webhook_url=None)
    world.track("new", timbre=20, rhythm=0)
    assert office.round() == 0
    assert office.told(brief) == []


def test_a_change_of_another_library_wakes_nobody(world, office, monkeypatch):
    reference = world.track("reference", timbre=0, rhythm=0)
    office.brief(reference)
    world.track("theirs", library_id=world.library("other"), timbre=0, rhythm=0)
    asked = []
    monkeypatch.setattr(office.runner, "find_in_short", lambda _, brief: asked.append(brief))
    assert office.round() == 0
    assert asked == []


def test_a_request_that_was_changed_begins_anew(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    brief = office.brief(reference, constraints={"licences": ["CC0"]})
    world.track("other", timbre=10, rhythm=0)
    world.keeper.catch_up()
    office.briefs.edit(DEFAULT_LIBRARY, brief.id, {"request": {"reference": {"track": reference.id}}})
    assert office.round() == 0
    world.track("new", timbre=20, rhythm=0)
    office.round()
    assert office.told(brief) == [["new"]]


def test_what_matched_before_the_request_was_changed_is_news_when_it_matches_again(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    track = world.track("other", timbre=10, rhythm=0)
    brief = office.brief(reference)
    assert office.round() == 0
    narrower = {"reference": {"track": reference.id}, "constraints": {"licences": ["CC0"]}}
    office.briefs.edit(DEFAULT_LIBRARY, brief.id, {"request": narrower})
    assert office.round() == 0
    give_licence(world, track)
    assert office.round() == 1
    assert office.told(brief) == [["other"]]


def test_a_watch_that_is_told_to_stop_ends_a_long_round(world, office, monkeypatch):
    reference = world.track("reference", timbre=0, rhythm=0)
    for _ in range(3):
        office.brief(reference)
    world.track("new", timbre=20, rhythm=0)
    look = office.watch.look
    looked = []

    def look_and_close(brief):
        looked.append(brief)
        office.watch.close()
        return look(brief)

    monkeypatch.setattr(office.watch, "look", look_and_close)
    assert office.round() == 1
    assert len(looked) == 1


def test_the_watch_looks_by_itself(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    brief = office.brief(reference)
    world.track("new", timbre=20, rhythm=0)
    world.keeper.catch_up()
    watch = BriefWatch(world.database, world.keeper, office.runner, interval_s=0.01)
    watch.start()
    deadline = time.monotonic() + 10
    while not office.told(brief) and time.monotonic() < deadline:
        time.sleep(0.01)
    watch.close()
    assert office.told(brief) == [["new"]]


def test_a_new_webhook_gets_nothing_that_was_meant_for_the_old(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    brief = office.brief(reference)
    world.track("new", timbre=20, rhythm=0)
    assert office.round() == 1
    before = office.briefs.view(DEFAULT_LIBRARY, brief.id).brief.webhook
    after = office.briefs.edit(DEFAULT_LIBRARY, brief.id, {"webhook_url": "https://example.com"}).brief.webhook
    assert after.url == "https://example.com"
    assert after.secret != before.secret
    assert after.secret.startswith("whsec_")
    [delivery] = office.briefs.deliveries(DEFAULT_LIBRARY, brief.id)
    assert delivery.due_at is None
    assert "changed" in delivery.error
    assert office.round() == 0


def test_a_new_webhook_gets_nothing_of_the_old_however_much_waited(world, office):
    brief = office.brief(world.track("reference", timbre=0, rhythm=0))
    with world.database.transaction() as tx:
        for _ in range(102):
            tx.briefs.add_delivery(message(brief, []))
    office.briefs.edit(DEFAULT_LIBRARY, brief.id, {"webhook_url": "https://example.com"})
    with world.database.transaction() as tx:
        assert tx.briefs.due_deliveries(utc_now()) == []


def test_a_brief_that_cannot_be_run_keeps_no_other_from_being_watched(world, office):
    gone = world.track("gone", timbre=0, rhythm=0)
    reference = world.track("reference", timbre=0, rhythm=0)
    lost, brief = office.brief(gone), office.brief(reference)
    world.delete(gone)
    world.track("new", timbre=20, rhythm=0)
    assert office.round() == 1
    assert office.told(brief) == [["new"]]
    assert office.told(lost) == []


def test_a_reference_without_vectors_is_watched_from_when_it_has_them(world, office):
    reference = world.track("reference", embedded=False)
    brief = office.brief(reference)
    world.track("old", timbre=10, rhythm=0)
    assert office.round() == 0
    world.move(reference, timbre=0, rhythm=0)
    assert office.round() == 0
    world.track("new", timbre=20, rhythm=0)
    assert office.round() == 1
    assert office.told(brief) == [["new"]]


def test_nothing_is_watched_before_the_indexes_are_loaded(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    brief = office.briefs.create(
        DEFAULT_LIBRARY, name="x", note="", request={"reference": {"track": reference.id}}, webhook_url=HOOK
    ).brief
    assert office.watch.round() == 0
    assert office.briefs.view(DEFAULT_LIBRARY, brief.id).brief.watched_seq is None


@pytest.mark.parametrize(
    ("changes", "told"), [({"name": "Sun"}, [["new"]]), ({"webhook_url": "https://example.com"}, [])]
)
def test_a_brief_that_is_edited_while_it_is_watched_keeps_the_edit(world, office, monkeypatch, changes, told):
    reference = world.track("reference", timbre=0, rhythm=0)
    brief = office.brief(reference)
    world.track("new", timbre=20, rhythm=0)
    note = office.watch._note

    def edit_before(*arguments):
        monkeypatch.setattr(office.watch, "_note", note)
        office.briefs.edit(DEFAULT_LIBRARY, brief.id, changes)
        return note(*arguments)

    monkeypatch.setattr(office.watch, "_note", edit_before)
    for _ in range(2):
        office.round()
    assert office.told(brief) == told
    edited = office.briefs.view(DEFAULT_LIBRARY, brief.id).brief
    assert edited.name == changes.get("name", "Rain")
    assert edited.webhook.url == changes.get("webhook_url", HOOK)


def test_what_comes_after_a_brief_was_made_is_told_of_by_a_round_that_read_it_before_its_first_look(world, office):
    reference = world.track("reference", timbre=0, rhythm=0)
    as_made = office.brief(reference)
    assert as_made.watched_seq is None
    assert office.briefs.view(DEFAULT_LIBRARY, as_made.id).brief.watched_seq is not None
    world.track("new", timbre=20, rhythm=0)
    world.keeper.catch_up()
    assert office.watch.look(as_made)
    assert office.told(as_made) == [["new"]]


def test_two_watchers_tell_once_on_every_database(real_world):
    offices = [Office(real_world) for _ in range(3)]
    reference = real_world.track("reference", timbre=0, rhythm=0)
    brief = offices[0].brief(reference)
    for angle in (10, 20, 30):
        real_world.track(f"{angle}", timbre=angle, rhythm=0)
    real_world.keeper.catch_up()
    threads = [threading.Thread(target=office.watch.round) for office in offices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(title for titles in offices[0].told(brief) for title in titles) == ["10", "20", "30"]
