"""A small web application: run as a program with a port and addresses; needs the standard library alone."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY
from socketserver import TCPServer

_BODY = b"a small application\n"


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(_BODY)))
        self.end_headers()
        self.wfile.write(_BODY)


class Server(ThreadingHTTPServer):
    """Serves one page on one address."""

    def __init__(self, address: str, port: int) -> None:
        """Bind and listen.

        Raises:
            OSError: the address cannot be bound.
        """
        self.address_family = AF_INET6 if ":" in address else AF_INET
        super().__init__((address, port), _Page)

    def server_bind(self) -> None:
        """Bind, and ask nobody for this machine's name, as the base class would."""
        if self.address_family == AF_INET6:
            self.socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment] # both families


def main(port: str, *addresses: str) -> None:
    """Serve on every address, until the program is ended."""
    servers = [Server(address, int(port)) for address in addresses]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
