"""The page of a track, on a service that hears tags. Every test leaves the tracks as they were."""

import re

import httpx
import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def harp(stocked_service):
    """A track, put back afterwards as it was."""
    with httpx.Client(base_url=stocked_service.url, trust_env=False) as client:
        track = client.get("/v1/tracks", params={"text": "slow harp"}).json()["items"][0]
        yield track
        client.patch(f"/v1/tracks/{track['id']}", json=track["metadata"]).raise_for_status()


def opened(visit, service, track):
    visit.page.goto(f"{service.url}/tracks/{track['id']}")
    expect(visit.page.locator("#similar-list .similar")).to_have_count(5)
    expect(visit.page.locator("#spaces")).to_be_visible()
    return visit.page


def metadata_of(service, track):
    answer = httpx.get(f"{service.url}/v1/tracks/{track['id']}", trust_env=False)
    return answer.raise_for_status().json()["metadata"]


def test_a_track_shows_what_is_known_of_it(stocked_service, desktop, harp):
    page = opened(desktop, stocked_service, harp)
    expect(page.get_by_role("heading", level=1)).to_have_text("slow harp")
    expect(page.locator("#analysis-facts")).to_contain_text(re.compile(r"Length0:12.*Tempo.*bpm.*LUFS"))
    expect(page.locator("#file-facts")).to_contain_text(harp["filename"])
    assert page.locator(".encoder-spaces h3").all_inner_texts() == ["librosa", "csn"]
    expect(page.locator(".space", has_text="instrument").locator(".leanings li").first).to_be_visible()
    expect(page.locator(".space", has_text="timbre").locator(".fingerprint")).to_be_visible()
    expect(page.locator("#wave-length")).to_have_text("0:12")
    desktop.keep_screenshot("track")
    desktop.check()


def test_details_are_edited_where_they_stand(stocked_service, desktop, harp):
    page = opened(desktop, stocked_service, harp)
    title = page.locator("#details-name")
    title.fill("Never mind")
    title.press("Escape")
    expect(title).to_have_value("slow harp")
    title.fill("Harp, slowly")
    title.press("Enter")
    expect(page.locator("#details-note")).to_have_text("Saved")
    expect(page.get_by_role("heading", level=1)).to_have_text("Harp, slowly")
    page.locator("#details-licence").fill("CC-BY-SA-4.0")
    page.locator("#details-artist").focus()
    expect(page.locator("#details-note")).to_have_text("Saved")
    page.reload()
    expect(page.locator("#details-licence")).to_have_value("CC-BY-SA-4.0")
    assert metadata_of(stocked_service, harp)["title"] == "Harp, slowly"
    desktop.check()


def test_tags_are_added_accepted_and_denied(stocked_service, desktop, harp):
    page = opened(desktop, stocked_service, harp)
    page.locator("#tag-input").fill("night")
    page.locator("#tag-input").press("Enter")
    expect(page.locator("#own-tags .chip")).to_have_text(["night"])
    heard = page.locator("#heard-tags .chip")
    if page.locator("#heard-more").is_visible():
        page.locator("#heard-more").click()
    first, second = (heard.nth(place).locator("bdi").inner_text() for place in (0, 1))
    page.get_by_role("button", name=f"Accept {first}", exact=True).click()
    expect(page.locator("#own-tags .chip")).to_have_text(["night", first])
    page.get_by_role("button", name=f"Deny {second}", exact=True).click()
    expect(page.locator("#denied-tags .chip")).to_have_text([second])
    desktop.keep_screenshot("track-tags")
    metadata = metadata_of(stocked_service, harp)
    assert (metadata["tags"], metadata["denied_tags"]) == (["night", first], [second])
    page.get_by_role("button", name=f"Do not deny {second}", exact=True).click()
    expect(page.locator("#denied")).to_be_hidden()
    page.get_by_role("button", name="Remove night").click()
    expect(page.locator("#own-tags .chip")).to_have_text([first])
    desktop.check()


def test_tags_of_which_none_is_kept_are_not_offered(stocked_service, desktop, harp):
    answer = httpx.get(
        f"{stocked_service.url}/v1/tracks/{harp['id']}/tags?encoder=csn&min_confidence=0.1", trust_env=False
    )
    heard = answer.json()
    kept = {each["tag"] for space in heard["kept_spaces"] for each in heard["spaces"][space]}
    others = {
        each["tag"] for space in heard["spaces"].keys() - heard["kept_spaces"] for each in heard["spaces"][space]
    }
    assert others - kept
    page = opened(desktop, stocked_service, harp)
    page.locator("#heard-more").click()
    offered = set(page.locator("#heard-tags .chip bdi").all_inner_texts())
    assert offered
    assert offered <= kept


def test_tags_that_are_dealt_with_in_quick_succession_are_all_kept(stocked_service, desktop, harp):
    page = opened(desktop, stocked_service, harp)
    if page.locator("#heard-more").is_visible():
        page.locator("#heard-more").click()
    tags = page.locator("#heard-tags .chip bdi").all_inner_texts()[:4]
    held = []
    page.route("**/v1/tracks/*", lambda route: held.append(route) if not held else route.continue_())
    for act, tag in zip(("Accept", "Accept", "Deny", "Deny"), tags, strict=True):
        page.get_by_role("button", name=f"{act} {tag}", exact=True).click()
    assert [route.request.method for route in held] == ["PATCH"]
    assert metadata_of(stocked_service, harp)["tags"] == []
    held[0].continue_()
    expect(page.locator("#own-tags .chip")).to_have_text(tags[:2])
    expect(page.locator("#denied-tags .chip")).to_have_text(tags[2:])
    metadata = metadata_of(stocked_service, harp)
    assert (metadata["tags"], metadata["denied_tags"]) == (tags[:2], tags[2:])
    desktop.check()


def test_the_waveform_takes_clicks_drags_and_keys(stocked_service, desktop, harp):
    page = opened(desktop, stocked_service, harp)
    wave = page.locator("#wave")
    box = wave.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.click(box["x"] + box["width"] / 2, middle)
    desktop.hear(from_s=6.1)
    page.mouse.move(box["x"] + box["width"] / 4, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
    page.mouse.up()
    expect(page.get_by_label("Part from")).to_have_value("0:03")
    expect(page.get_by_label("to", exact=True)).to_have_value("0:06")
    address = page.locator("#part-search").get_attribute("href")
    assert re.fullmatch(rf"/#track={harp['id']}&from=3\.\d&to=6\.\d", address)
    page.locator("#part-find").click()
    expect(page.locator("#sections-note")).to_contain_text(re.compile("section"))
    desktop.keep_screenshot("track-part")
    wave.focus()
    page.keyboard.press("Home")
    expect(wave).to_have_attribute("aria-valuetext", re.compile(r"^0:0[0-3] of 0:12"))
    page.keyboard.press("Space")
    expect(page.locator("#track-play")).to_have_accessible_name("Play the track")
    page.get_by_label("to", exact=True).fill("0:01")
    page.get_by_label("to", exact=True).press("Tab")
    expect(page.locator("#part-hint")).to_contain_text("from a time to a later one")
    desktop.check()


def test_a_similar_track_is_one_click_away(stocked_service, desktop, harp):
    page = opened(desktop, stocked_service, harp)
    row = page.locator("#similar-list .similar").first
    title = row.locator(".title").inner_text()
    row.locator(".play").click()
    desktop.hear(from_s=0.2)
    row.locator(".pick").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    desktop.check()


def test_a_track_that_is_not_there_says_so(stocked_service, desktop):
    desktop.page.goto(f"{stocked_service.url}/tracks/01936f5e-8d4a-7cc2-9a61-3f1b7c0d2e55")
    expect(desktop.page.locator("#track-missing")).to_contain_text("There is no track")
    expect(desktop.page.locator("#track-body")).to_be_hidden()
    desktop.check(allowed="404")


def test_hostile_titles_and_the_phone_do_not_break_it(stocked_service, phone, harp):
    title = "<script>alert(1)</script> \u202e evil \u0645\u0648\u0633\u064a\u0642\u0649 " + "W" * 700
    changed = {"title": title, "artist": "Ж" * 900, "tags": ["T" * 100], "licence": "L" * 300}
    httpx.patch(f"{stocked_service.url}/v1/tracks/{harp['id']}", json=changed, trust_env=False).raise_for_status()
    page = opened(phone, stocked_service, harp)
    expect(page.get_by_role("heading", level=1)).to_contain_text("<script>alert(1)</script>")
    assert page.locator("body script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.keep_screenshot("track-phone")
    phone.check()


def test_a_track_on_its_way_tells_how_far_it_is(idle_service, desktop, music):
    file = min(music.iterdir())
    sent = {"file": (file.name, file.read_bytes())}
    track = httpx.post(f"{idle_service.url}/v1/tracks", files=sent, trust_env=False).json()["track"]
    page = desktop.page
    page.goto(f"{idle_service.url}/tracks/{track['id']}")
    expect(page.locator("#work")).to_contain_text("waits in the queue")
    expect(page.locator("#similar")).to_be_hidden()
    job = httpx.get(f"{idle_service.url}/v1/jobs", trust_env=False).json()["items"][0]
    httpx.post(f"{idle_service.url}/v1/jobs/{job['id']}/cancel", trust_env=False).raise_for_status()
    expect(page.locator("#work")).to_contain_text("was cancelled")
    page.locator("#work-retry").click()
    expect(page.locator("#work")).to_contain_text("waits in the queue")
    page.locator("#track-delete").click()
    page.locator("#confirm-dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#library-empty-title")).to_have_text("Your library is empty")
    desktop.check()
