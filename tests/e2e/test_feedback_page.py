"""More like this, less like that: judgements propose weights, which are accepted, dismissed or saved."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WEIGHTING = "as the ear has it"


@pytest.fixture
def page(stocked_service: Any, desktop: Any) -> Page:
    """The search page with matches."""
    tracks = httpx.get(f"{stocked_service.url}/v1/tracks", params={"text": "slow harp"}, trust_env=False).json()
    desktop.page.goto(f"{stocked_service.url}/#encoder=librosa&track={tracks['items'][0]['id']}")
    expect(desktop.page.locator(".match")).to_have_count(11)
    return desktop.page


@pytest.fixture
def tidied(stocked_service: Any) -> Iterator[None]:
    """Take away the weightings that were saved."""
    yield
    with httpx.Client(base_url=stocked_service.url, trust_env=False) as client:
        for saved in client.get("/v1/weightings").json()["items"]:
            client.delete(f"/v1/weightings/{saved['id']}").raise_for_status()


def judge(page: Page) -> None:
    """Like what is slow, dislike what is fast."""
    for title, act in (("slow", "like"), ("fast", "dislike")):
        for name in ("flute", "organ"):
            page.locator(".match", has_text=f"{title} {name}").locator(f".{act}").click()
    expect(page.locator("#feedback-note")).to_contain_text("From 4 judgements")


def positions(page: Page) -> dict[str, float]:
    sliders = page.locator("#sliders input[type=range]").all()
    return {str(slider.get_attribute("name")): float(slider.input_value()) for slider in sliders}


def test_a_judgement_is_a_toggle_and_one_excludes_the_other(page, desktop):
    row = page.locator(".match").first
    like, dislike = row.locator(".like"), row.locator(".dislike")
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true")
    dislike.focus()
    page.keyboard.press("Enter")
    expect(like).to_have_attribute("aria-pressed", "false")
    expect(dislike).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#feedback")).to_be_visible()
    dislike.click()
    expect(page.locator("#feedback")).to_be_hidden()
    desktop.check()


def test_accepted_weights_move_the_sliders_and_search_again(page, desktop):
    before = page.locator(".match .title").all_inner_texts()
    judge(page)
    changes = page.locator(".change")
    expect(changes.first).to_be_visible()
    proposed = {}
    for change in changes.all():
        assert len(change.locator(".reason").inner_text()) > 20
        proposed[change.locator(".name").inner_text()] = float(change.locator(".new").inner_text())
    desktop.keep_screenshot("feedback")
    page.locator("#feedback-accept").click()
    expect(page.locator("#feedback")).to_be_hidden()
    for space, weight in proposed.items():
        assert positions(page)[space] == pytest.approx(weight, abs=0.026)
    expect(page.locator("[aria-pressed=true].like, [aria-pressed=true].dislike")).to_have_count(0)
    expect(page.locator(".match .title")).not_to_have_text(before)
    expect(page).to_have_url(re.compile("weights="))
    desktop.check()


def test_what_was_judged_before_counts_on_until_weights_are_set_by_hand(page, desktop):
    def earlier_rounds() -> list[Any]:
        with page.expect_request("**/v1/feedback") as asked:
            page.locator(".match .like").first.click()
        return asked.value.post_data_json["earlier"]

    judge(page)
    page.locator("#feedback-accept").click()
    expect(page.locator("#feedback")).to_be_hidden()
    [first] = earlier_rounds()
    assert [len(first[name]) for name in ("liked", "disliked")] == [2, 2]
    assert first["search"]["terms"][0]["track"]
    expect(page.locator("#feedback-note")).to_contain_text("From 5 judgements")
    page.locator("#feedback-accept").click()
    expect(page.locator("#feedback")).to_be_hidden()
    page.locator("#mix-reset").click()
    assert earlier_rounds() == []
    desktop.check()


def test_dismissed_weights_leave_everything_as_it_was(page, desktop):
    before = positions(page)
    judge(page)
    page.locator("#feedback-dismiss").click()
    expect(page.locator("#feedback")).to_be_hidden()
    expect(page.locator("[aria-pressed=true].like")).to_have_count(0)
    assert positions(page) == before
    desktop.check()


def test_liking_everything_is_said_to_tell_nothing(page, desktop):
    for like in page.locator(".match .like").all():
        like.click()
    expect(page.locator("#feedback-note")).to_contain_text("From 11 judgements nothing can be told yet: like some")
    expect(page.locator("#feedback-accept")).to_be_hidden()
    desktop.check()


def test_a_proposal_is_off_the_table_as_soon_as_there_is_more_to_listen_to(page, desktop):
    judge(page)
    for number, more in enumerate(
        (
            lambda: page.locator(".match", has_text="slow drum").locator(".like").click(),
            lambda: page.locator("#sliders input[type=range]").first.fill("0.3"),
        )
    ):
        expect(page.locator("#feedback-accept")).to_be_visible()
        held = desktop.hold("**/v1/feedback")
        more()
        expect(page.locator("#feedback-note")).to_have_text("Listening to your judgements…", timeout=200)
        expect(page.locator("#feedback-accept")).to_be_hidden()
        expect(page.locator(".change")).to_have_count(0)
        page.wait_for_timeout(400)
        [asked] = held
        asked.continue_()
        page.unroute("**/v1/feedback")
        expect(page.locator("#feedback-note")).to_contain_text("From 5 judgements")
        assert asked.request.post_data_json["search"]["terms"][0]["weights"]["timbre"] == (0.3 if number else 1)
    desktop.check()


def test_what_was_proposed_for_fewer_references_is_not_offered_for_more(page, desktop):
    judge(page)
    page.locator(".match .add").first.click()
    expect(page.locator("#feedback")).to_be_hidden()
    desktop.hold("**/v1/feedback")
    page.locator(".match .like").first.click()
    expect(page.locator("#feedback")).to_be_visible()
    expect(page.locator("#feedback-accept")).to_be_hidden(timeout=200)
    expect(page.locator(".change")).to_have_count(0)
    desktop.check()


def test_a_judgement_that_is_taken_back_at_once_asks_nothing(page, desktop):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(".match .like").first.evaluate("like => [like, like].forEach((button) => button.click())")
    page.wait_for_timeout(500)
    assert not [url for url in asked if "feedback" in url]
    desktop.check()


def test_judgements_that_nobody_answered_are_sent_again_when_the_service_is_back(page, desktop):
    judge(page)
    page.route("**/v1/feedback", lambda route: route.abort())
    page.locator(".match", has_text="slow drum").locator(".like").click()
    expect(page.locator("#feedback-note")).to_have_text("The service does not answer.")
    expect(page.locator("#feedback-accept")).to_be_hidden()
    page.unroute("**/v1/feedback")
    expect(page.locator("#feedback-note")).to_contain_text("From 5 judgements")
    desktop.check(allowed="ERR_FAILED")


def test_another_reference_forgets_the_judgements(page, desktop):
    judge(page)
    page.locator(".match .use").first.click()
    expect(page.locator("#feedback")).to_be_hidden()
    desktop.check()


def test_proposed_weights_are_saved_and_chosen_later(page, desktop, tidied):
    judge(page)
    page.locator("#feedback-save").click()
    page.locator("#weighting-name").fill(WEIGHTING)
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text(f"Saved as “{WEIGHTING}”.")
    page.locator("#feedback-accept").click()
    accepted = positions(page)
    page.locator("#mix-reset").click()
    assert positions(page) != accepted
    page.locator("#weighting-choice").select_option(label=WEIGHTING)
    assert positions(page) == accepted
    page.wait_for_timeout(400)  # the address follows sliders once they have come to rest
    page.reload()
    expect(page.locator("#weighting-choice option:checked")).to_have_text(WEIGHTING)
    desktop.check()


def test_a_name_that_is_refused_is_told_in_the_dialog(page, desktop, tidied):
    for attempt in range(2):
        page.locator("#mix-save").click()
        page.locator("#weighting-name").fill(WEIGHTING)
        page.keyboard.press("Enter")
        if not attempt:
            expect(page.locator("#weighting-dialog")).to_be_hidden()
    expect(page.locator("#weighting-fault")).not_to_be_empty()
    page.keyboard.press("Escape")
    expect(page.locator("#weighting-dialog")).to_be_hidden()
    desktop.check(allowed="409")
