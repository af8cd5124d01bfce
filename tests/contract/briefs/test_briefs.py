"""What every database does with stored briefs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.briefs import Brief, BriefCounts, Decision, Verdict, Webhook
from app.domain import DEFAULT_LIBRARY, new_id
from app.errors import InvalidRequest, NotFound


def test_a_brief_comes_back_as_it_was_stored(desk, hook, start):
    request = {
        "reference": {"track": new_id(), "weights": {"genre": 0.5}},
        "constraints": {"licences": ["CC0", "é"]},
    }
    brief = desk.brief("Rain", request=request, webhook=hook, last_run_at=start, watched_seq=7)
    assert desk.briefs.brief(DEFAULT_LIBRARY, brief.id) == brief


def test_a_brief_is_hidden_from_other_libraries(desk):
    other = desk.library()
    brief = desk.brief()
    for library_id, brief_id in ((other, brief.id), (DEFAULT_LIBRARY, new_id()), (DEFAULT_LIBRARY, "x\0")):
        with pytest.raises(NotFound):
            desk.briefs.brief(library_id, brief_id)
        with pytest.raises(NotFound):
            desk.briefs.delete(library_id, brief_id)
    with pytest.raises(NotFound):
        desk.briefs.save(replace(brief, library_id=other, name="stolen"))
    assert desk.briefs.page(other) == ([], None)
    assert desk.briefs.brief(DEFAULT_LIBRARY, brief.id) == brief


def test_briefs_are_listed_newest_first_page_by_page(desk):
    briefs = [desk.brief(f"{place}") for place in range(5)]
    desk.brief(library_id=desk.library())
    first, cursor = desk.briefs.page(DEFAULT_LIBRARY, limit=3)
    second, end = desk.briefs.page(DEFAULT_LIBRARY, limit=3, cursor=cursor)
    assert [*first, *second] == briefs[::-1]
    assert len(first) == 3
    assert end is None


def test_a_last_page_that_is_full_says_that_it_is_the_last(desk):
    for _ in range(2):
        desk.brief()
    assert desk.briefs.page(DEFAULT_LIBRARY, limit=2)[1] is None


def test_a_cursor_that_no_page_gave_is_refused(desk):
    with pytest.raises(InvalidRequest):
        desk.briefs.page(DEFAULT_LIBRARY, cursor="nonsense")


def test_a_brief_is_changed_as_a_whole(desk, hook, start):
    brief = desk.brief()
    changed = replace(
        brief,
        name="Sun",
        note="brighter",
        request={"reference": {"track": new_id()}, "k": 3},
        webhook=hook,
        updated_at=start + timedelta(days=1),
        last_run_at=start,
        watched_seq=3,
    )
    desk.briefs.save(changed)
    assert desk.briefs.brief(DEFAULT_LIBRARY, brief.id) == changed
    desk.briefs.save(replace(changed, webhook=None))
    assert desk.briefs.brief(DEFAULT_LIBRARY, brief.id).webhook is None


def test_a_brief_that_is_gone_cannot_be_changed(desk):
    brief = desk.brief()
    desk.briefs.delete(DEFAULT_LIBRARY, brief.id)
    with pytest.raises(NotFound):
        desk.briefs.save(brief)


def test_text_that_databases_cannot_hold_is_mended(desk):
    brief = desk.brief("a\0b\ud800")
    assert desk.briefs.brief(DEFAULT_LIBRARY, brief.id).name == "ab�"


def test_only_briefs_with_a_webhook_are_watched_those_of_all_libraries(desk, hook):
    desk.brief()
    mine, theirs = desk.brief(webhook=hook), desk.brief(webhook=hook, library_id=desk.library())
    assert desk.briefs.watched() == [mine, theirs]


def test_a_run_tells_what_no_run_has_shown(desk, start):
    brief, other = desk.brief(), desk.brief()
    one, two, three = (desk.track().number for _ in range(3))
    assert desk.briefs.see(brief.id, [one, two], start) == {one, two}
    assert desk.briefs.see(brief.id, [two, three, two], start) == {three}
    assert desk.briefs.seen(brief.id) == {one, two, three}
    assert desk.briefs.seen(other.id) == set()


def test_what_was_told_of_is_not_told_again_and_is_still_unseen(desk, start):
    brief = desk.brief()
    one, two = desk.track().number, desk.track().number
    assert desk.briefs.note(brief.id, [one]) == {one}
    assert desk.briefs.note(brief.id, [one, two]) == {two}
    assert desk.briefs.seen(brief.id) == set()
    assert desk.briefs.see(brief.id, [one], start) == {one}
    assert desk.briefs.seen(brief.id) == {one}


def test_what_was_told_of_is_forgotten_and_what_was_shown_is_not(desk, start):
    brief, other = desk.brief(), desk.brief()
    shown, noted = (desk.track().number for _ in range(2))
    desk.briefs.see(brief.id, [shown], start)
    for each in (brief, other):
        desk.briefs.note(each.id, [noted])
    desk.briefs.forget_noted(brief.id)
    assert desk.briefs.note(brief.id, [shown, noted]) == {noted}
    assert desk.briefs.note(other.id, [noted]) == set()


def test_what_a_run_has_shown_is_not_told_of(desk, start):
    brief, number = desk.brief(), desk.track().number
    desk.briefs.see(brief.id, [number], start)
    assert desk.briefs.note(brief.id, [number]) == set()
    assert desk.briefs.seen(brief.id) == {number}


def test_a_track_that_was_deleted_meanwhile_is_passed_over(desk, start):
    brief, gone, there = desk.brief(), desk.track(), desk.track()
    desk.delete(gone)
    assert desk.briefs.see(brief.id, [gone.number, there.number], start) == {there.number}
    assert desk.briefs.note(brief.id, [gone.number]) == set()


def test_nothing_seen_is_nothing_new(desk, start):
    assert desk.briefs.see(desk.brief().id, [], start) == set()


def test_thousands_of_tracks_are_seen_at_once(desk, start):
    brief, number = desk.brief(), desk.track().number
    assert desk.briefs.see(brief.id, range(number, number + 3000), start) == {number}


def test_decisions_come_back_in_their_order(desk, start):
    brief, first, second = desk.brief(), desk.track(), desk.track()
    rejected = Decision(second.number, Verdict.REJECTED, "too loud", start)
    kept = Decision(first.number, Verdict.SHORTLISTED, "", start + timedelta(seconds=1))
    for decision in (kept, rejected):
        desk.briefs.decide(brief.id, decision)
    assert desk.briefs.decisions(brief.id) == [rejected, kept]
    assert desk.briefs.decisions(desk.brief().id) == []


def test_a_later_decision_takes_the_place_of_the_earlier(desk, start):
    brief, track = desk.brief(), desk.track()
    desk.briefs.decide(brief.id, Decision(track.number, Verdict.SHORTLISTED, "", start))
    changed = Decision(track.number, Verdict.REJECTED, "heard it again", start + timedelta(days=1))
    desk.briefs.decide(brief.id, changed)
    assert desk.briefs.decisions(brief.id) == [changed]


def test_a_decision_is_withdrawn_once(desk):
    brief, track = desk.brief(), desk.track()
    desk.briefs.decide(brief.id, Decision(track.number, Verdict.SHORTLISTED))
    desk.briefs.withdraw(brief.id, track.number)
    assert desk.briefs.decisions(brief.id) == []
    with pytest.raises(NotFound):
        desk.briefs.withdraw(brief.id, track.number)


def test_counts_are_those_of_each_brief(desk, start):
    busy, idle = desk.brief(), desk.brief()
    tracks = [desk.track().number for _ in range(4)]
    desk.briefs.see(busy.id, tracks[:3], start)
    desk.briefs.note(busy.id, tracks)
    desk.briefs.decide(busy.id, Decision(tracks[0], Verdict.SHORTLISTED))
    for number in tracks[1:3]:
        desk.briefs.decide(busy.id, Decision(number, Verdict.REJECTED, "no"))
    assert desk.briefs.counts([busy.id, idle.id]) == {busy.id: BriefCounts(1, 2, 3), idle.id: BriefCounts()}
    assert desk.briefs.counts([]) == {}


def test_a_deleted_track_takes_what_briefs_know_of_it_along(desk, start):
    brief, track = desk.brief(), desk.track()
    desk.briefs.see(brief.id, [track.number], start)
    desk.briefs.decide(brief.id, Decision(track.number, Verdict.SHORTLISTED))
    desk.delete(track)
    assert desk.briefs.counts([brief.id]) == {brief.id: BriefCounts()}
    assert desk.briefs.decisions(brief.id) == []


def test_a_deleted_brief_takes_all_that_belongs_to_it_along(desk, hook, start):
    brief, track = desk.brief(webhook=hook), desk.track()
    desk.briefs.see(brief.id, [track.number], start)
    desk.briefs.decide(brief.id, Decision(track.number, Verdict.SHORTLISTED))
    desk.delivery(brief)
    desk.briefs.delete(DEFAULT_LIBRARY, brief.id)
    assert desk.briefs.counts([brief.id]) == {brief.id: BriefCounts()}
    assert desk.briefs.deliveries(brief.id) == []
    assert desk.briefs.due_deliveries(start) == []


def test_a_clip_that_a_brief_refers_to_does_not_expire(desk, start):
    named, further, free = desk.clip(), desk.clip(), desk.clip()
    request = {"reference": {"clip": named.id}, "terms": [{"tag": "calm"}, {"clip": further.id}]}
    brief = desk.brief(request=request)
    later = start + timedelta(days=1)
    assert [clip.id for clip in desk.tx.catalogue.expired_clips(later)] == [free.id]
    desk.briefs.save(replace(brief, request={"reference": {"clip": named.id}}))
    assert {clip.id for clip in desk.tx.catalogue.expired_clips(later)} == {free.id, further.id}
    desk.briefs.delete(DEFAULT_LIBRARY, brief.id)
    assert {clip.id for clip in desk.tx.catalogue.expired_clips(later)} == {free.id, further.id, named.id}


def test_a_clip_that_is_named_as_a_track_does_not_expire_either(desk, start):
    clip = desk.clip()
    desk.brief(reference={"track": clip.id})
    assert desk.tx.catalogue.expired_clips(start + timedelta(days=1)) == []


def test_a_clip_is_deleted_as_expired_only_as_long_as_it_is(desk, start):
    named, free = desk.clip(), desk.clip()
    brief = desk.brief(reference={"clip": named.id})
    expire = desk.tx.catalogue.delete_expired_clip
    assert expire(DEFAULT_LIBRARY, named.id, start) is None
    assert expire(DEFAULT_LIBRARY, desk.track().id, start) is None
    assert expire(desk.library(), free.id, start) is None
    assert expire(DEFAULT_LIBRARY, free.id, start - timedelta(seconds=1)) is None
    assert expire(DEFAULT_LIBRARY, free.id, start) == free
    assert expire(DEFAULT_LIBRARY, free.id, start) is None
    desk.briefs.delete(DEFAULT_LIBRARY, brief.id)
    assert expire(DEFAULT_LIBRARY, named.id, start) == named


def test_a_clip_of_another_library_is_not_kept(desk, start):
    foreign = desk.clip(library_id=desk.library())
    desk.brief(reference={"clip": foreign.id})
    assert [clip.id for clip in desk.tx.catalogue.expired_clips(start)] == [foreign.id]


def test_a_clip_that_a_brief_refers_to_can_be_deleted(desk):
    clip = desk.clip()
    brief = desk.brief(reference={"clip": clip.id})
    desk.delete(clip)
    assert desk.briefs.brief(DEFAULT_LIBRARY, brief.id).references() == [clip.id]
    desk.briefs.save(replace(brief, name="still there"))


def test_a_brief_knows_what_it_refers_to():
    terms = [{"track": "b", "weights": None}, {"tag": "calm"}, {"clip": "c", "track": None}]
    brief = Brief("1", DEFAULT_LIBRARY, "x", "", {"reference": {"track": "a"}, "terms": terms}, Webhook("u", "s"))
    assert brief.references() == ["a", "b", "c"]
    assert Brief("1", DEFAULT_LIBRARY, "x", "", {"reference": {"clip": "a"}, "terms": None}).references() == ["a"]
