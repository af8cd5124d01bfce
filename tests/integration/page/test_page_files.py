"""How the pages and their files are served: nothing inline, nothing from elsewhere, kept by browsers for good."""

import asyncio
import re

import httpx
import pytest
from fastapi import FastAPI

from app.web import pages


class PageClient:
    """Asks the pages alone, without a service behind them."""

    def __init__(self):
        app = FastAPI()
        app.include_router(pages.router)
        self._transport = httpx.ASGITransport(app)

    def get(self, path, headers=None):
        async def ask():
            async with httpx.AsyncClient(transport=self._transport, base_url="http://test") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())


@pytest.fixture(scope="module")
def client():
    return PageClient()


ADDRESSES = (
    "/",
    "/library",
    "/tracks/some-id",
    "/briefs",
    "/briefs/some-id",
    "/map",
    "/encoders",
    "/components",
    "/jobs",
    "/settings",
)
SCRIPTS = pages.STATIC / "js"


@pytest.fixture(scope="module", params=ADDRESSES)
def address(request):
    return request.param


@pytest.fixture(scope="module")
def html(client, address):
    return client.get(address).text


def scripts_of(html):
    """The scripts of a page, and all that they import, step by step."""
    named = re.findall(r'<script [^>]*src="/static/[^/]+/js/([^"]+)"', html)
    found, unread = set(), [SCRIPTS / name for name in named]
    while unread:
        script = unread.pop()
        if script not in found:
            found.add(script)
            unread += imports_of(script)
    return found


def imports_of(script):
    return [(script.parent / name).resolve() for name in re.findall(r'from "(\.[^"]+)"', script.read_text())]


def all_scripts():
    return set(SCRIPTS.rglob("*.js"))


def files_of(html):
    return re.findall(r'(?:src|href)="(/static/[^"#]+)"', html)


def test_every_file_that_the_page_names_is_there(client, html):
    assert len(files_of(html)) >= 3
    for path in files_of(html):
        assert client.get(path).status_code == 200


def test_every_module_that_a_script_imports_is_there():
    for script in all_scripts():
        assert set(imports_of(script)) <= all_scripts(), script.name


def test_every_element_that_a_script_asks_for_by_id_is_in_the_page(html):
    ids = set(re.findall(r'id="([\w-]+)"', html))
    assert len(scripts_of(html)) > 5
    for script in scripts_of(html):
        asked = re.findall(r'(?:byId|stamp)\("([\w-]+)"\)', script.read_text())
        assert set(asked) <= ids, script.name


def test_nothing_in_the_page_is_inline_or_from_elsewhere(html):
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))
    assert not re.search(r'(src|href)="(https?:)?//', html)


def test_every_script_belongs_to_a_page(client):
    used = set().union(*(scripts_of(client.get(address).text) for address in ADDRESSES))
    assert used == all_scripts()


def test_all_that_a_script_imports_is_fetched_along_with_it(html):
    fetched = re.findall(r'<link rel="modulepreload" href="/static/[^/]+/js/([^"]+)"', html)
    named = re.findall(r'<script [^>]*src="/static/[^/]+/js/([^"]+)"', html)
    assert {SCRIPTS / name for name in [*fetched, *named]} == scripts_of(html)


def test_the_page_forbids_what_it_does_not_need(client, address):
    policy = client.get(address).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_is_asked_for_again_and_its_files_are_kept_for_good(client, html, address):
    assert client.get(address).headers["cache-control"] == "no-cache"
    for path in files_of(html):
        assert client.get(path).headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_file_asked_for_under_another_release_is_not_kept(client):
    response = client.get("/static/000000000000/style.css")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-cache"


def test_an_unchanged_file_is_not_sent_twice(client):
    path = f"/static/{pages.RELEASE}/style.css"
    etag = client.get(path).headers["etag"]
    again = client.get(path, headers={"If-None-Match": etag})
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize("path", ["js/nothing.js", "..%2fpages.py", "%2e%2e/pages.py", "js", ""])
def test_only_static_files_are_served(client, path):
    assert client.get(f"/static/{pages.RELEASE}/{path}").status_code == 404


def test_the_release_changes_with_any_file(tmp_path):
    (tmp_path / "a.js").write_text("1")
    before = pages.digest_of(tmp_path)
    (tmp_path / "a.js").write_text("2")
    changed = pages.digest_of(tmp_path)
    (tmp_path / "a.js").rename(tmp_path / "b.js")
    assert len({before, changed, pages.digest_of(tmp_path)}) == 3


def test_the_scripts_of_a_page_stay_small(html):
    assert sum(script.stat().st_size for script in scripts_of(html)) < 300_000


def test_no_script_ever_writes_markup():
    for script in all_scripts():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", script.read_text())
