"""The small web application, on loopback."""

import threading
from http.client import HTTPConnection

import pytest

from probe.lab import small_app


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_it_serves_its_page(address: str) -> None:
    """Every path brings the same page."""
    with small_app.Server(address, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        peer = HTTPConnection(address, server.server_port, timeout=5)
        peer.request("GET", "/any")
        response = peer.getresponse()
        assert (response.status, response.read()) == (200, b"a small application\n")
        peer.close()
        server.shutdown()
        thread.join()
