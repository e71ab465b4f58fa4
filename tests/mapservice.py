"""A map service on this machine for tests: it says what a test wants, and remembers what it got."""

import struct
import threading
import time
import zlib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def picture(size=256, colour=(174, 203, 224)):
    """Make a PNG of one colour."""

    def part(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = (b"\0" + bytes(colour) * size) * size
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    body = part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


class Service(ThreadingHTTPServer):
    """Answers with (status, media type, body), after a pause."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = (200, "image/png", picture())
        self.pause_s = 0.0
        self.asked = []

    @property
    def template(self):
        return f"http://127.0.0.1:{self.server_address[1]}/wmts/{{key}}/3006/{{z}}/{{y}}/{{x}}.png"


class Handler(BaseHTTPRequestHandler):
    """Does what its service was told."""

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        time.sleep(self.server.pause_s)
        status, media_type, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return  # the client hung up

    def log_message(self, *_):
        return


@contextmanager
def running():
    """Run the service for a while."""
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.02,))
        thread.start()
        yield service
        service.shutdown()
        thread.join()
