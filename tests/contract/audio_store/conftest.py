"""Audio stores of every kind, empty."""

import uuid

import boto3
import pytest
from moto.server import ThreadedMotoServer

from app.adapters.audio_store import open_store
from app.adapters.memory_audio_store import MemoryAudioStore


@pytest.fixture(scope="session")
def s3_endpoint():
    """URL of a server that speaks S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_url(s3_endpoint, monkeypatch):
    """URL of a new bucket, reachable by what the environment says."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3_endpoint,
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"soundkin-{uuid.uuid4().hex}"
    client = boto3.client("s3")
    client.create_bucket(Bucket=bucket)
    client.close()
    return f"s3://{bucket}/audio"


@pytest.fixture(params=["memory", "local", "s3", "sftp-like"])
def store(request, tmp_path):
    """A store of each kind; the last is a file system of fsspec that has folders."""
    if request.param == "memory":
        return MemoryAudioStore()
    if request.param == "local":
        return open_store((tmp_path / "audio store").as_uri())
    if request.param == "s3":
        return open_store(request.getfixturevalue("s3_url"))
    return open_store(f"local://{tmp_path / 'folders'}")
