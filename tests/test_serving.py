"""Maps served on this machine: read by range as QGIS reads them, and nothing else given away."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

from pipeline import serving
from pipeline.errors import ConfigError, ResourceError

SIDE = 2048


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outputs folder with a COG, a report, something hidden, a link out and a link within."""
    root = tmp_path_factory.mktemp("served")
    (root / "secret.txt").write_text("secret")
    (root / "outside").mkdir()
    (root / "outside" / "secret.txt").write_text("secret")
    here = root / "outputs" / "here"
    here.mkdir(parents=True)
    (here / "report.html").write_text("<!DOCTYPE html><title>report</title>")
    (root / "outputs" / ".here.partial").mkdir()
    (root / "outputs" / ".here.partial" / "report.html").write_text("half")
    (here / ".hidden").write_text("secret")
    (root / "outputs" / "out.txt").symlink_to(root / "secret.txt")
    (root / "outputs" / "out").symlink_to(root / "outside")
    (root / "outputs" / "within.html").symlink_to(here / "report.html")
    values = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
    with rasterio.open(
        here / "map.tif", "w", driver="COG", height=SIDE, width=SIDE, count=1, dtype="float32", crs="EPSG:6933", transform=from_origin(0, 0, 30, 30), compress="NONE"
    ) as file:
        file.write(values, 1)
    return root / "outputs"


@pytest.fixture(scope="module")
def address(outputs: Path) -> Iterator[tuple[str, int]]:
    """Host and port of a server in a thread of its own."""
    loop, up = asyncio.new_event_loop(), threading.Event()
    held: list[str] = []

    async def start() -> None:
        _, told = serving.listen(outputs, port=0)
        held.append(told)
        up.set()

    def work() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert up.wait(30)
    host, _, port = held[0].removeprefix("http://").rstrip("/").partition(":")
    yield host, int(port)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)


def ask(address: tuple[str, int], path: str, *, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(*address, timeout=30)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def test_gdal_reads_a_window_over_http_and_not_the_whole_file(address: tuple[str, int], outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(serving._File, "on_finish", lambda self: sent.append(int(self._headers["Content-Length"]) if self.request.method == "GET" else 0))
    window = Window(512, 1024, 512, 512)
    quiet = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_HTTP_PROXY": "", "CPL_CURL_VERBOSE": "NO"}
    with rasterio.Env(**quiet), rasterio.open(f"/vsicurl/http://{address[0]}:{address[1]}/here/map.tif") as far, rasterio.open(outputs / "here" / "map.tif") as near:
        assert far.profile["driver"] == "GTiff" and far.shape == (SIDE, SIDE) and far.overviews(1) == near.overviews(1) != []
        assert (far.read(1, window=window) == near.read(1, window=window)).all()
        assert 0 < sum(sent) < (outputs / "here" / "map.tif").stat().st_size / 4
        assert (far.read(1, out_shape=(256, 256)) == near.read(1, out_shape=(256, 256))).all()


def test_a_range_is_answered_with_that_range(address: tuple[str, int], outputs: Path) -> None:
    whole = (outputs / "here" / "map.tif").read_bytes()
    for asked, expected in (("bytes=0-3", whole[:4]), ("bytes=100-199", whole[100:200]), ("bytes=-5", whole[-5:]), (f"bytes={len(whole) - 2}-", whole[-2:])):
        status, headers, body = ask(address, "/here/map.tif", Range=asked)
        assert status == 206 and body == expected
        assert headers["content-range"].endswith(f"/{len(whole)}") and headers["content-type"].startswith("image/tiff")
    assert ask(address, "/here/map.tif", Range=f"bytes={len(whole)}-")[0] == 416
    status, headers, body = ask(address, "/here/map.tif", method="HEAD")
    assert status == 200 and int(headers["content-length"]) == len(whole) and body == b"" and headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt", "/here/../../secret.txt", "/%2e%2e/secret.txt", "/here/%2e%2e/%2e%2e/secret.txt", "/..%2fsecret.txt", "/here/..%5c..%5csecret.txt",
        "//etc/passwd", "/%2fetc%2fpasswd", "/out.txt", "/out/secret.txt", "/.here.partial/report.html", "/here/.hidden", "/here/", "/here", "/none.tif",
        "/here/map.tif%00",
    ],
)  # fmt: skip
def test_nothing_outside_the_folder_or_hidden_in_it_is_given(address: tuple[str, int], path: str) -> None:
    status, _, body = ask(address, path)
    assert status in {400, 403, 404} and b"secret" not in body.replace(path.encode(), b"") and b"root:" not in body and b"half" not in body


def test_a_link_within_the_folder_is_followed(address: tuple[str, int]) -> None:
    assert ask(address, "/within.html")[::2] == (200, b"<!DOCTYPE html><title>report</title>")


def test_only_pages_of_this_machine_may_read_it(address: tuple[str, int]) -> None:
    for origin in ("http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:1"):
        headers = ask(address, "/here/map.tif", Origin=origin, Range="bytes=0-3")[1]
        assert headers["access-control-allow-origin"] == origin and "Content-Range" in headers["access-control-expose-headers"]
    assert ask(address, "/here/map.tif", method="OPTIONS", Origin="http://localhost")[0] == 204
    for origin in ("https://example.org", "null", "http://localhost.example.org", "http://127.0.0.1.example.org"):
        assert "access-control-allow-origin" not in ask(address, "/here/map.tif", Origin=origin, Range="bytes=0-3")[1]


@pytest.mark.parametrize("path", ["/", "/here/map.tif"])
def test_a_name_of_another_site_that_points_here_is_refused(address: tuple[str, int], path: str) -> None:
    assert ask(address, path, Host="maps.example.org")[0] == 403
    assert ask(address, path, Host=f"localhost:{address[1]}")[0] == 200


def test_the_root_lists_the_maps_and_no_hidden_one(address: tuple[str, int]) -> None:
    status, headers, body = ask(address, "/")
    assert status == 200 and headers["content-type"].startswith("text/html") and body.count(b"<li>") == 1 and b'href="/here/report.html"' in body


def test_a_file_made_again_is_sent_again(address: tuple[str, int], outputs: Path) -> None:
    page = outputs / "here" / "again.yaml"
    page.write_text("one")
    tag = ask(address, "/here/again.yaml")[1]["etag"]
    assert ask(address, "/here/again.yaml", If_None_Match=tag)[0] == 304
    page.write_text("another")
    os.utime(page, ns=(1, 1))
    status, headers, body = ask(address, "/here/again.yaml", If_None_Match=tag)
    assert status == 200 and body == b"another" and headers["etag"] != tag and headers["cache-control"] == "no-cache"


def test_it_listens_on_loopback_alone(address: tuple[str, int]) -> None:
    assert address[0] == "127.0.0.1"
    with pytest.raises(OSError, match=r"."), socket.create_connection(("127.0.0.2", address[1]), timeout=5):
        pass


def test_a_port_that_is_taken_and_a_folder_that_is_none_are_told(outputs: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ResourceError, match=r"port \d+ cannot be used \(.+\); give another with --port"):
            serving.serve(outputs, port=taken.getsockname()[1], told=print)
    with pytest.raises(ConfigError, match=r"there is no folder none/ to serve; make a map first"):
        serving.serve(tmp_path / "none", port=0, told=print)


def test_the_command_serves_until_it_is_interrupted(outputs: Path) -> None:
    words = [sys.executable, "-u", "-m", "pipeline", "serve", "here", "--outputs", str(outputs), "--no-open"]
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        at = line.split(" at http://127.0.0.1:")[1].split("/")[0]
        assert ask(("127.0.0.1", int(at)), "/here/report.html")[0] == 200
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
        assert running.returncode == 0 and errors == ""
    finally:
        running.kill()


def test_the_command_names_the_nearest_map(outputs: Path) -> None:
    words = [sys.executable, "-m", "pipeline", "serve", "heer", "--outputs", str(outputs), "--no-open"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    assert done.returncode == 2 and "unknown map 'heer'; did you mean 'here'?" in done.stderr
