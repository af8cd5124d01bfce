"""The page of the map: drawn by a real worker, and with many made-up points. The tests run in order."""

import json
import random
import re

import pytest
from playwright.sync_api import expect

from tests.e2e.test_accessibility import faults_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DRAWING_MS = 120_000
MANY = 10_000
TURNS = 10
FEW = 100
"""Calls a frame for names, rings and the like: what is drawn point by point makes thousands."""

COUNT_PAINTING = """async (turns) => {
  const canvas = document.getElementById("map-canvas");
  const context = canvas.getContext("2d");
  const counts = {};
  const names = ["putImageData", "drawImage", "fill", "stroke", "fillRect", "strokeRect", "fillText", "strokeText"];
  for (const name of names) {
    counts[name] = 0;
    context[name] = (...values) => {
      counts[name] += 1;
      CanvasRenderingContext2D.prototype[name].apply(context, values);
    };
  }
  for (let turn = 0; turn < turns; turn += 1) {
    const towards = turn % 2 ? 40 : -40;
    for (const deltaY of [towards, -towards, towards, -towards, towards]) {
      canvas.dispatchEvent(new WheelEvent("wheel", { deltaY, bubbles: true, cancelable: true }));
    }
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  }
  for (const name of names) delete context[name];
  return counts;
}"""
"""Work is counted, not time, which a busy machine would stretch: smooth is what paints all points at once, and once
a frame however many events come."""


def many_points():
    rng = random.Random(0)
    cluster = [rng.randrange(5) for _ in range(MANY)]
    return {
        "ids": [f"0193-{number}" for number in range(MANY)],
        "titles": ["<img src=x onerror=alert(1)> \u202e " + "W" * 10_000, *(f"Track {n}" for n in range(1, MANY))],
        "artists": [None] * MANY,
        "x": [rng.uniform(-0.15, 0.15) + 0.4 * number - 0.8 for number in cluster],
        "y": [rng.uniform(-0.3, 0.3) for _ in range(MANY)],
        "cluster": cluster,
        "tempo_bpm": [rng.choice([None, 60 + 100 * rng.random()]) for _ in range(MANY)],
        "key": [rng.choice([None, "C major", "A minor", "F# minor"]) for _ in range(MANY)],
        "tags": [["piano"] if rng.random() < 0.5 else [] for _ in range(MANY)],
        "has_audio": [False] * MANY,
    }


def answer(**changes):
    head = {
        "id": "0193",
        "encoder": "csn",
        "weights": {"genre": 1, "mood": 1},
        "state": "ready",
        "job": None,
        "note": None,
        "drawn_at": "2026-01-31T12:00:00Z",
        "stale": True,
        "behind": 12,
        "tracks": MANY,
        "left_out": 0,
        "points": many_points(),
        "clusters": [
            {"number": n, "name": f"kind {n}", "tracks": MANY // 5, "x": 0.4 * n - 0.8, "y": 0} for n in range(5)
        ],
        "clustering": {
            "method": "kmeans",
            "k": 5,
            "scores": [
                {"method": "kmeans", "k": k, "silhouette": 0.1 * k, "calinski_harabasz": 9.0, "davies_bouldin": 1.0}
                for k in range(2, 9)
            ],
        },
    }
    return {**head, **changes}


def pretend(page, **changes):
    """Answer for the service, as if the map were this one."""
    body = json.dumps(answer(**changes))
    page.route(
        re.compile(r"/v1/map(\?.*)?$"), lambda route: route.fulfill(body=body, content_type="application/json")
    )
    page.route("**/v1/tracks/0193-*", lambda route: route.fulfill(status=404, body="{}"))


def drawn(visit, service, address="/map"):
    visit.page.goto(service.url + address)
    expect(visit.page.locator("#legend li").first).to_be_visible()
    visit.page.wait_for_timeout(300)  # the next frame
    return visit.page


def drag(page, corners):
    box = page.locator("#map-canvas").bounding_box()
    places = [(box["x"] + across * box["width"], box["y"] + down * box["height"]) for across, down in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def test_an_empty_library_has_nothing_to_map(idle_service, desktop):
    desktop.page.goto(f"{idle_service.url}/map")
    expect(desktop.page.locator("#map-message")).to_contain_text("Nothing to map yet")
    expect(desktop.page.get_by_role("link", name="Go to the library")).to_be_visible()
    desktop.check(allowed="404")


def test_a_map_is_drawn_while_one_watches(stocked_service, desktop):
    page = desktop.page
    page.goto(f"{stocked_service.url}/map?encoder=librosa")
    expect(page.locator("#map-message")).to_contain_text("not drawn yet")
    page.get_by_role("button", name="Draw the map").click()
    expect(page.locator("#map-drawing")).to_be_visible()
    expect(page.locator("#legend li").first).to_be_visible(timeout=DRAWING_MS)
    expect(page.locator("#map-drawing")).to_be_hidden()
    expect(page.locator("#map-note")).to_contain_text("12 tracks")
    expect(page.locator("#cluster-list .cluster")).not_to_have_count(0)
    desktop.keep_screenshot("map")
    desktop.check(allowed="404")


def test_a_track_is_centred_on_heard_and_searched_from(stocked_service, desktop):
    page = drawn(desktop, stocked_service, "/map?encoder=librosa")
    page.locator(".cluster summary").first.click()
    link = page.locator(".cluster .point .pick").first
    title = link.locator(".title").inner_text()
    track = link.get_attribute("href").removeprefix("/#track=")
    drawn(desktop, stocked_service, f"/map?encoder=librosa#track={track}")
    page.reload()
    expect(page.locator("#track-card-title")).to_have_text(title)
    page.wait_for_timeout(500)
    page.locator("#map-canvas").focus()
    page.keyboard.press("Enter")
    desktop.hear(from_s=0.2)
    page.get_by_role("link", name="Find similar").click()
    expect(page.locator("#reference-title")).to_have_text(title)
    desktop.check()


def test_what_a_line_goes_around_is_selected_and_searched_with(stocked_service, desktop):
    page = drawn(desktop, stocked_service, "/map?encoder=librosa")
    page.get_by_role("radio", name="Select").check(force=True)
    drag(page, [(0.01, 0.15), (0.88, 0.15), (0.88, 0.99), (0.01, 0.99), (0.01, 0.16)])
    expect(page.locator("#selection-title")).to_have_text(re.compile(r"\d+ tracks? selected"))
    chosen = page.locator("#selection-list .point").count()
    assert len(page.locator("#selection-search").get_attribute("href").split(",")) == chosen
    page.locator("#selection-play").click()
    desktop.hear(from_s=0.2)
    page.locator("#selection-clear").click()
    expect(page.locator("#selection")).to_be_hidden()
    desktop.check()


def test_ten_thousand_points_move_smoothly_and_say_what_they_are(stocked_service, desktop):
    pretend(desktop.page)
    page = drawn(desktop, stocked_service)
    expect(page.locator("#map-note")).to_contain_text("10,000 tracks")
    expect(page.locator("#map-stale")).to_contain_text("12 tracks have come or gone")
    painted = page.evaluate(COUNT_PAINTING, TURNS)
    assert TURNS <= painted.pop("putImageData") < 2 * TURNS
    assert 0 < sum(painted.values()) < FEW * TURNS
    page.locator("#zoom-fit").click()
    page.locator("#map-canvas").hover()
    expect(page.locator("#map-tip .title")).to_have_text(re.compile(r"Track \d+"))
    for way, group in (("Tag", "piano"), ("Tempo", "unknown"), ("Key", "F# minor"), ("Cluster", "kind 4")):
        page.get_by_role("radio", name=way).check(force=True)
        expect(page.locator("#legend")).to_contain_text(group)
    page.locator("#legend button", has_text="kind 4").click()
    expect(page.locator("#legend button", has_text="kind 4")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#quality-charts svg").first).to_have_accessible_name(re.compile("Silhouette .* Chosen: 5"))
    desktop.keep_screenshot("map-many")
    desktop.check()


def test_a_large_selection_says_how_many_a_search_takes(stocked_service, desktop):
    pretend(desktop.page)
    page = drawn(desktop, stocked_service)
    page.locator(".cluster summary").first.click()
    page.get_by_role("button", name="Select these on the map").first.click()
    expect(page.locator("#selection-note")).to_contain_text("takes 12 references: the first 12 of")
    address = page.locator("#selection-search").get_attribute("href")
    assert len(address.split(",")) == 12
    desktop.check()


def test_a_search_takes_as_many_of_a_selection_as_the_map_says(stocked_service, desktop):
    pretend(desktop.page)
    page = drawn(desktop, stocked_service)
    page.locator(".cluster summary").first.click()
    page.get_by_role("button", name="Select these on the map").first.click()
    page.locator("#selection-search").click()
    expect(page.locator("#matches-empty")).to_be_visible()
    expect(page.locator("#toasts")).not_to_contain_text("Only the first")
    desktop.check(allowed="404")


def test_tracks_that_play_in_turn_go_on_after_one_that_cannot_be_played(stocked_service, desktop):
    page = drawn(desktop, stocked_service, "/map?encoder=librosa")
    page.locator(".cluster summary").first.click()
    page.get_by_role("button", name="Select these on the map").first.click()
    titles = page.locator("#selection-list .point .title").all_inner_texts()
    first = page.locator("#selection-list .point .pick").first.get_attribute("href").removeprefix("/#track=")
    page.route(f"**/{first}/audio", lambda route: route.abort())
    page.locator("#selection-play").click()
    expect(page.locator("#player-title")).to_have_text(titles[1])
    desktop.hear(from_s=0.2)
    desktop.check(allowed="ERR_FAILED")


def test_the_map_fits_on_a_phone_and_in_the_dark(stocked_service, phone, dark_desktop):
    for visit, name in ((phone, "phone"), (dark_desktop, "dark")):
        pretend(visit.page)
        page = drawn(visit, stocked_service)
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
        assert page.locator("main img").count() == 0
        assert faults_of(page) == []
        visit.keep_screenshot(f"map-{name}")
        visit.check()


def test_a_drawing_that_failed_says_why_and_can_be_tried_again(stocked_service, desktop):
    job = {"id": "0193", "state": "failed", "progress": 0.4, "error": {"code": "x", "message": "Out of memory."}}
    pretend(desktop.page, state="failed", points=None, clusters=None, clustering=None, drawn_at=None, job=job)
    desktop.page.goto(f"{stocked_service.url}/map")
    expect(desktop.page.locator("#map-message")).to_contain_text("Out of memory.")
    expect(desktop.page.get_by_role("button", name="Try again")).to_be_visible()
    desktop.check()
