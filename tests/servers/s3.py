"""An S3 server on loopback, a process of its own that speaks the protocol over HTTP (moto's; nothing more real comes by pip or apt)."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import s3fs

SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
"""


@contextlib.contextmanager
def serving(*buckets: str) -> Iterator[dict[str, str]]:
    """The server with empty buckets: the environment by which a process finds it."""
    process = subprocess.Popen([sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdin and process.stdout
    try:
        address = process.stdout.readline().strip()
        said = {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        import boto3

        client = boto3.client(
            "s3", endpoint_url=address, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
        )  # fmt: skip
        for bucket in buckets:
            client.create_bucket(Bucket=bucket)
        yield said
    finally:
        s3fs.S3FileSystem.clear_instance_cache()  # a process reads the environment once, and the next server is elsewhere
        process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()
