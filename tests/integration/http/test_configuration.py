"""What admins are told of the settings."""

import pytest

from app.api.configuration import MASK, shown
from app.settings import Settings


def test_every_setting_is_listed_under_its_variable_with_a_description(shared):
    items = shared.http.get("/v1/settings").json()["items"]
    assert [item["name"] for item in items] == [f"SOUNDKIN_{name.upper()}" for name in Settings.model_fields]
    assert all(item["description"] for item in items), [item for item in items if not item["description"]]
    values = {item["name"]: item["value"] for item in items}
    assert (values["SOUNDKIN_ENCODERS"], values["SOUNDKIN_LOG_JSON"]) == ("fake", "false")
    assert (values["SOUNDKIN_RATE_LIMIT"], values["SOUNDKIN_REDIS_URL"]) == ("1200", "")


def test_no_secret_is_told(serve):
    service = serve(
        admin_key="open-sesame" * 3,
        milvus_token="root:hunter2",
        database_url="postgresql://me:hunter2@db/soundkin",
        audio_url="s3://bucket?key=hunter2&region=eu",
    )
    told = service.http.get("/v1/settings", headers={"Authorization": f"Bearer {'open-sesame' * 3}"})
    assert told.status_code == 200
    assert ("hunter2" in told.text, "open-sesame" in told.text) == (False, False)
    values = {item["name"]: item["value"] for item in told.json()["items"]}
    assert values["SOUNDKIN_ADMIN_KEY"] == values["SOUNDKIN_MILVUS_TOKEN"] == MASK
    assert values["SOUNDKIN_DATABASE_URL"] == f"postgresql://me:{MASK}@db/soundkin"
    assert values["SOUNDKIN_AUDIO_URL"] == f"s3://bucket?key={MASK}&region=eu"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("postgresql+psycopg://me:hu/n@ter:2@[::1]:5432/db", f"postgresql+psycopg://me:{MASK}@[::1]:5432/db"),
        ("redis://:hunter2@cache:6379/0", f"redis://:{MASK}@cache:6379/0"),
        ("postgresql://db/x?user=me&password=hunter2", f"postgresql://db/x?user=me&password={MASK}"),
        ("s3://b?aws_Secret_access=hunter2", f"s3://b?aws_Secret_access={MASK}"),
        ("redis://cache:6379/0", "redis://cache:6379/0"),
        ("https://me@host/path", "https://me@host/path"),
        ("sqlite:////data/a:b@c.sqlite3", "sqlite:////data/a:b@c.sqlite3"),
    ],
)
def test_passwords_in_addresses_are_masked(value, expected):
    assert shown(value) == expected
