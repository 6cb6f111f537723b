"""Over TLS, as everything but this machine is asked: a certificate that is not trusted ends it, one that is gives the file."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import numpy as np
import pytest

from pipeline import client
from pipeline.errors import DataError
from pipeline.fetch import download
from pipeline.pace import Patience
from pipeline.ranged import Remote
from tests.servers import web as webs
from tests.servers.web import Web

BODY = np.random.default_rng(5).bytes(300_000)
PATIENCE = Patience(tries=2, pause=lambda _: None)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost signed by itself, and its key, made for this test."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed, so no certificate can be made")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    said = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([openssl, "req", *said, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key


def test_a_file_and_its_pieces_come_over_tls_only_with_a_certificate_that_is_trusted(
    tmp_path: Path, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with webs.serving(Web({"/a.tif": BODY}), tls=context) as web:
        url = f"https://localhost:{web.port}/a.tif"
        client._manager.cache_clear()
        with pytest.raises(DataError, match=r"a.tif: its certificate is not trusted \(.*\); nothing is taken from it: check the address and"):
            download(url, hosts=("localhost",), shelf=tmp_path, max_bytes=10**6, patience=PATIENCE)
        assert web.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        client._manager.cache_clear()
        assert download(url, hosts=("localhost",), shelf=tmp_path, max_bytes=10**6, patience=PATIENCE).read_bytes() == BODY
        blocks = Remote(url, hosts=("localhost",), shelf=tmp_path, name="a", patience=PATIENCE).blocks()
        assert not isinstance(blocks, Path)
        web.faults["/a.tif"] = [webs.cut(100_000)]
        blocks.bring(range(blocks.count))
        assert (blocks.folder / "data").read_bytes() == BODY
        web.faults["/a.tif"] = [webs.trickle(every_s=0.01)]
        hasty = Patience(tries=1, slow_s=0.2, least_bytes=5000)
        with pytest.raises(DataError, match=r"a.tif: gave up after 1 try \(it trickles: "):
            download(f"{url}?again", hosts=("localhost",), shelf=tmp_path, max_bytes=10**6, patience=hasty)
    client._manager.cache_clear()
