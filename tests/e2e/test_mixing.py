"""Several references, each for its own dimensions, contrast, and tags, as the search page asks for them."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_accessibility import faults_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIBROSA = ("timbre", "harmony", "rhythm", "dynamics")


@pytest.fixture
def ids(stocked_service: Any) -> dict[str, str]:
    """Ids of the tracks by their titles."""
    tracks = httpx.get(f"{stocked_service.url}/v1/tracks?limit=50", trust_env=False).json()["items"]
    return {track["metadata"]["title"]: track["id"] for track in tracks}


def titles(page: Page) -> list[str]:
    return page.locator(".match .title").all_inner_texts()


def titles_by_api(service: Any, terms: list[dict[str, Any]], **options: Any) -> list[str]:
    body = {"encoder": "librosa", "terms": terms, **options}
    answer = httpx.post(f"{service.url}/v1/search", json=body, trust_env=False).raise_for_status().json()
    return [match["track"]["metadata"]["title"] for match in answer["matches"]]


def settle(page: Page) -> None:
    """Wait for the answer that belongs to the sliders as they stand."""
    page.wait_for_timeout(400)
    expect(page.locator("#matches.stale")).to_have_count(0)


def open_with(visit: Any, service: Any, address: str) -> Page:
    """Open an address, as a page of its own and not as a step within one."""
    visit.page.goto("about:blank")
    visit.page.goto(f"{service.url}/#encoder=librosa&{address}")
    expect(visit.page.locator(".match").first).to_be_visible()
    return visit.page


def weigh(page: Page, card: int, **weights: float) -> None:
    for space in LIBROSA:
        page.locator(".voice").nth(card).locator(f"input[name='{space}']").fill(str(weights.get(space, 0)))
    settle(page)


def test_each_reference_speaks_for_its_own_dimensions_and_the_order_is_that_of_the_api(
    stocked_service, desktop, ids
):
    page = open_with(desktop, stocked_service, f"track={ids['slow harp']}")
    expect(page.locator(".voice")).to_have_count(1)
    page.locator(".track", has_text="fast organ").hover()
    page.get_by_role("button", name="Add fast organ to the references").first.click()
    expect(page.locator(".voice")).to_have_count(2)
    weigh(page, 0, timbre=1, harmony=-0.5)
    weigh(page, 1, rhythm=2)
    assert titles(page) == titles_by_api(
        stocked_service,
        [
            {"track": ids["slow harp"], "weights": {"timbre": 1, "harmony": -0.5}},
            {"track": ids["fast organ"], "weights": {"rhythm": 2}},
        ],
    )
    expect(page.locator("#sentence")).to_have_text(
        "Like slow harp in timbre · not its harmony · rhythm of fast organ"
    )
    shares = [text for text in page.locator(".voice .share").all_inner_texts() if text != "ignored"]
    numbers = [int(text.removesuffix(" %").replace("\u2212", "-")) for text in shares]
    assert sum(abs(number) for number in numbers) in range(98, 103)
    assert [number < 0 for number in numbers] == [False, True, False, False][: len(numbers)]
    desktop.keep_screenshot("two-references")
    desktop.check()


def test_a_match_is_added_and_a_reference_removed_and_going_back_undoes_both(stocked_service, desktop, ids):
    page = open_with(desktop, stocked_service, f"track={ids['slow harp']}")
    nearest = titles(page)[0]
    page.locator(".match .add").first.click()
    expect(page.locator("#reference-kind")).to_have_text("2 references")
    expect(page.locator("#reference-title")).to_have_text(f"slow harp + {nearest}")
    page.get_by_role("button", name="Remove slow harp from the references").click()
    expect(page.locator("#reference-title")).to_have_text(nearest)
    page.go_back()
    expect(page.locator("#reference-title")).to_have_text(f"slow harp + {nearest}")
    page.go_back()
    expect(page.locator("#reference-title")).to_have_text("slow harp")
    desktop.check()


def test_the_address_holds_the_whole_search_and_can_be_shared(stocked_service, desktop, ids):
    page = open_with(desktop, stocked_service, f"tracks={ids['slow harp']},{ids['fast drum']}")
    weigh(page, 1, rhythm=1)
    page.locator("#filters summary").click()
    page.locator("[name=licence]").fill("CC0")
    settle(page)
    found = titles(page)
    page.wait_for_timeout(400)
    shared = page.url
    page.goto("about:blank")
    page.goto(shared)
    expect(page.locator(".voice")).to_have_count(2)
    settle(page)
    assert titles(page) == found
    expect(page.locator("#filter-note")).to_have_text("CC0")
    expect(page.locator(".voice").nth(1).locator("input[name=timbre]")).to_have_value("0")
    desktop.check()


def test_a_part_of_a_reference_is_compared_with(stocked_service, desktop, ids):
    page = open_with(desktop, stocked_service, f"track={ids['slow harp']}&from=2&to=6")
    part = {"start_s": 2, "end_s": 6}
    weights = dict.fromkeys(LIBROSA, 1)
    assert titles(page) == titles_by_api(
        stocked_service, [{"track": ids["slow harp"], "segment": part, "weights": weights}]
    )
    expect(page.locator("#sentence")).to_have_text("Like slow harp from 0:02 to 0:06")
    page.locator(".part").click()
    page.get_by_label("to", exact=True).fill("0:01")
    page.get_by_label("to", exact=True).press("Tab")
    expect(page.locator(".part-trouble")).to_have_text("It must end after its start.")
    page.get_by_label("to", exact=True).fill("0:09")
    page.get_by_label("to", exact=True).press("Tab")
    expect(page.locator(".part")).to_have_text("0:02–0:09")
    assert "to=9" in page.url
    page.locator(".whole").click()
    expect(page.locator(".part")).to_have_text("Whole track")
    assert "from=" not in page.url
    desktop.check()


def test_a_clip_is_added_to_a_reference(stocked_service, desktop, ids, excerpt):
    page = open_with(desktop, stocked_service, f"track={ids['fast organ']}")
    page.locator("#pick-voice").set_input_files(excerpt)
    expect(page.locator(".voice")).to_have_count(2, timeout=60_000)
    expect(page.locator("#reference-title")).to_have_text("fast organ + hummed")
    assert "&clip=" in page.url
    desktop.check()


def test_a_tag_is_found_by_the_keyboard_and_asked_for_and_against(stocked_service, desktop, ids):
    page = desktop.page
    page.goto(f"{stocked_service.url}/#encoder=csn&track={ids['slow harp']}")
    expect(page.locator(".match").first).to_be_visible()
    field = page.locator("#tag-text")
    field.focus()
    page.keyboard.type("pia")
    expect(page.locator("[role=option]").first).to_contain_text("piano")
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", re.compile(r"options-\d+-0"))
    page.keyboard.press("Enter")
    expect(page.locator(".tag-term .name")).to_have_text("piano")
    page.locator(".tag-term input").fill("-1")
    settle(page)
    spaces = [name for name in page.locator(".voice .slider .name").all_inner_texts() if name != "librosa"]
    terms = [
        {"track": ids["slow harp"], "weights": dict.fromkeys(spaces, 1)},
        {"tag": "piano", "weight": -1},
    ]
    assert titles(page) == titles_by_api(stocked_service, terms, encoder="csn")
    expect(page.locator("#sentence")).to_have_text("Like slow harp · less piano")
    page.reload()
    expect(page.locator(".tag-term input")).to_have_value("-1")
    page.get_by_role("button", name="Remove the tag piano").click()
    expect(page.locator(".tag-term")).to_have_count(0)
    desktop.check()


def test_tags_alone_are_enough_to_search(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/#encoder=csn&tag=csn/instrument/harp:1")
    expect(page.locator("#reference-title")).to_have_text("harp")
    settle(page)
    assert titles(page) == titles_by_api(stocked_service, [{"tag": "harp"}], encoder="csn")
    expect(page.locator(".judge").first).to_be_hidden()
    expect(page.locator("#make-brief")).to_be_hidden()
    desktop.check()


def test_filters_reach_the_service_and_are_said_in_words(stocked_service, desktop, ids):
    page = open_with(desktop, stocked_service, f"track={ids['slow harp']}")
    page.locator("#filters summary").click()
    page.locator("[name=max_similarity]").fill("0.2")
    page.locator("[name=diversity]").fill("0.5")
    settle(page)
    weights = dict.fromkeys(LIBROSA, 1)
    assert titles(page) == titles_by_api(
        stocked_service, [{"track": ids["slow harp"], "weights": weights}], max_similarity=0.2, diversity=0.5
    )
    expect(page.locator("#filter-note")).to_have_text("no closer than 0.20, varied by 0.5")
    without = page.get_by_label("Tag that a track must have")
    without.fill("no such tag")
    expect(page.locator("[role=option]")).to_have_text("“no such tag”as typed")
    without.press("Enter")
    expect(page.locator("#matches-empty")).to_contain_text("The filter left none")
    page.locator("#empty-clear").click()
    expect(page.locator(".match")).to_have_count(11)
    expect(page.locator("#tags-required .chip")).to_have_count(0)
    desktop.check()


def test_a_ceiling_that_leaves_nothing_can_be_lifted(stocked_service, desktop, ids):
    page = desktop.page
    page.goto(f"{stocked_service.url}/#track={ids['slow harp']}&max_similarity=-1")
    expect(page.locator("#matches-empty")).to_contain_text("left none")
    page.locator("#empty-lift").click()
    expect(page.locator(".match")).to_have_count(11)
    desktop.check()


def test_a_reference_that_is_gone_is_told_and_the_others_go_on(stocked_service, desktop, ids):
    gone = "01936f5e-8d4a-7cc2-9a61-3f1b7c0d2e55"
    page = open_with(desktop, stocked_service, f"track={ids['slow harp']}&track={gone}")
    expect(page.locator("#toasts")).to_contain_text("There is no track")
    expect(page.locator(".voice")).to_have_count(1)
    desktop.check(allowed="404")


def test_hostile_titles_harm_neither_the_cards_nor_the_comparison(stocked_service, desktop, phone, ids):
    title = '<img src=x onerror="alert(1)">\u202e evil \u0645\u0648\u0633 ' + "W" * 900
    with httpx.Client(base_url=stocked_service.url, trust_env=False) as client:
        client.patch(f"/v1/tracks/{ids['fast drum']}", json={"title": title}).raise_for_status()
        try:
            for visit in (desktop, phone):
                page = open_with(visit, stocked_service, f"tracks={ids['slow harp']},{ids['fast drum']}")
                expect(page.locator(".voice .title").nth(1)).to_contain_text("<img src=x")
                page.locator(".match .why").first.click()
                expect(page.locator("#sentence")).to_contain_text("<img src=x")
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                page.goto(f"{stocked_service.url}/encoders#track={ids['fast drum']}")
                expect(page.locator(".rank").first).to_be_visible()
                expect(page.locator("#chosen-title")).to_contain_text("<img src=x")
                assert page.locator("main img").count() == 0
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                visit.check()
        finally:
            client.patch(f"/v1/tracks/{ids['fast drum']}", json={"title": "fast drum"}).raise_for_status()


def test_several_references_fit_on_a_phone(stocked_service, phone, ids):
    page = open_with(phone, stocked_service, f"tracks={ids['slow harp']},{ids['fast drum']},{ids['fast organ']}")
    expect(page.locator(".voice")).to_have_count(3)
    page.locator(".match .why").first.click()
    expect(page.locator(".explanation")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.keep_screenshot("two-references-phone")
    phone.check()


def test_the_search_becomes_the_draft_of_a_brief(stocked_service, desktop, ids):
    page = open_with(desktop, stocked_service, f"tracks={ids['slow harp']},{ids['fast drum']}")
    page.locator("#filters summary").click()
    page.locator("[name=tempo_max]").fill("120")
    page.locator("[name=licence]").fill("CC0, CC-BY-4.0")
    page.locator("[name=other_artists]").check()
    settle(page)
    page.route("**/js/briefs.js", lambda route: route.abort())  # it would take the draft
    page.locator("#make-brief").click()
    page.wait_for_url("**/briefs#new")
    draft = page.evaluate("JSON.parse(sessionStorage.getItem('soundkin.brief-draft'))")
    assert draft["encoder"] == "librosa"
    assert draft["reference"] == {"track": ids["slow harp"], "weights": dict.fromkeys(LIBROSA, 1)}
    assert [term["track"] for term in draft["terms"]] == [ids["fast drum"]]
    assert draft["constraints"] == {
        "licences": ["CC0", "CC-BY-4.0"],
        "tempo_bpm": {"lte": 120, "octaves": False},
        "other_artist": True,
    }
    answer = httpx.post(f"{stocked_service.url}/v1/replacements", json=draft, trust_env=False)
    assert answer.status_code == 200, answer.text


def test_judgements_move_the_weights_of_every_reference_and_of_tags(stocked_service, desktop, phone, ids):
    for visit, name in ((desktop, "light"), (phone, "phone")):
        page = visit.page
        tracks = f"{ids['slow harp']},{ids['fast drum']}"
        page.goto(f"{stocked_service.url}/#encoder=csn&tracks={tracks}&tag=csn/instrument/piano:1")
        expect(page.locator(".match").first).to_be_visible()
        page.locator(".match .like").first.click()
        page.locator(".match .dislike").last.click()
        expect(page.locator("#feedback-note")).to_contain_text("From 2 judgements")
        expect(page.locator("#feedback-title")).to_have_text("Suggested weights")
        groups = page.locator(".change-group")
        expect(groups.first).to_be_visible()
        assert {"slow harp", "fast drum"} <= set(groups.locator(".of").all_inner_texts())
        expect(page.locator("#feedback-save")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert faults_of(page) == []
        visit.keep_screenshot(f"feedback-references-{name}")
        told = {
            (group.locator(".of").inner_text(), change.locator(".name").inner_text()): change.locator(
                ".new"
            ).inner_text()
            for group in groups.all()
            for change in group.locator(".change").all()
        }
        page.locator("#feedback-accept").click()
        expect(page.locator("#feedback")).to_be_hidden()
        settle(page)
        for (term, space), new in told.items():
            card = page.locator(".tag-term") if term == "Tag piano" else page.locator(".voice", has_text=term)
            slider = card.locator("input[type=range]" if term == "Tag piano" else f"input[name='{space}']")
            assert float(slider.input_value()) == pytest.approx(float(new), abs=0.026)
        with page.expect_request("**/v1/feedback") as asked:
            page.locator(".match .like").nth(2).click()
        assert [len(each["search"]["terms"]) for each in asked.value.post_data_json["earlier"]] == [3]
        expect(page.locator("#feedback-note")).to_contain_text("From 3 judgements")
        visit.check()


def test_accepted_weights_of_two_encoders_find_their_sliders(stocked_service, desktop, ids):
    page = open_with(desktop, stocked_service, f"track={ids['slow harp']}")
    page.locator(".voice input[name=csn]").fill("1")
    settle(page)
    page.locator(".match .like").first.click()
    page.locator(".match .dislike").last.click()
    expect(page.locator("#feedback-accept")).to_be_visible()
    page.locator("#feedback-accept").click()
    settle(page)
    weights = [float(slider.input_value()) for slider in page.locator(".voice input[type=range]").all()]
    assert max(weights) == 1
    expect(page.locator(".match")).to_have_count(11)
    desktop.check()
