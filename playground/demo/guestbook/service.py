"""The guest book over HTTP: a page, a small JSON API, and a health check."""

import json
import os
import signal
import sys
import time
from socketserver import ThreadingMixIn
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from guestbook import pages
from guestbook.book import Book, NotAccepted

PORT = 8080
LARGEST_BODY = 16 * 1024


class Guestbook:
    """The WSGI application."""

    def __init__(self, book, version, commit, clock=time.time):
        self._book, self._version, self._commit, self._clock = book, version, commit, clock
        self._routes = {
            ("GET", "/"): self._home,
            ("POST", "/"): self._sign,
            ("GET", "/healthz"): self._health,
            ("GET", "/api/entries"): self._list,
            ("POST", "/api/entries"): self._add,
        }

    def __call__(self, environ, start_response):
        route = self._routes.get((environ["REQUEST_METHOD"], environ["PATH_INFO"] or "/"))
        try:
            status, headers, body = route(environ) if route else _json("404 Not Found", {"error": "没有这个页面"})
        except ValueError as problem:
            status, headers, body = _json("400 Bad Request", {"error": str(problem)})
        start_response(status, [*headers.items(), ("Content-Length", str(len(body)))])
        return [body]

    def _home(self, environ):
        page = pages.home(self._book.latest(), self._version, self._commit, self._clock())
        return "200 OK", {"Content-Type": "text/html; charset=utf-8"}, page.encode()

    def _sign(self, environ):
        fields = parse_qs(_body(environ).decode())
        self._write(fields.get("name", [""])[0], fields.get("text", [""])[0])
        return "303 See Other", {"Location": "/"}, b""

    def _health(self, environ):
        return _json("200 OK", {"status": "ok", "version": self._version, "commit": self._commit})

    def _list(self, environ):
        return _json("200 OK", [vars(entry) for entry in self._book.latest()])

    def _add(self, environ):
        sent = json.loads(_body(environ))
        if not isinstance(sent, dict):
            raise NotAccepted("请求体应为 JSON 对象")
        return _json("201 Created", vars(self._write(str(sent.get("name", "")), str(sent.get("text", "")))))

    def _write(self, name, text):
        return self._book.write(name, text, self._clock())


def _body(environ):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if size > LARGEST_BODY:
        raise NotAccepted("内容太长")
    return environ["wsgi.input"].read(size)


def _json(status, value):
    body = json.dumps(value, ensure_ascii=False).encode()
    return status, {"Content-Type": "application/json; charset=utf-8"}, body


class Server(ThreadingMixIn, WSGIServer):
    """One thread for each request."""

    daemon_threads = True


class Handler(WSGIRequestHandler):
    """Logs requests to standard output, without those of the health check and without looking up names."""

    def address_string(self):
        return self.client_address[0]

    def log_message(self, template, *values):
        if getattr(self, "path", "") != "/healthz":
            print(f"{self.address_string()} {template % values}", flush=True)


def main():
    """Serve until the container is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    version, commit = os.environ.get("APP_VERSION", "dev"), os.environ.get("COMMIT_SHA", "unknown")
    app = Guestbook(Book(), version, commit)
    with make_server("0.0.0.0", PORT, app, Server, Handler) as server:
        print(f"留言簿 {version}（{commit[:8]}）正在监听 {PORT} 端口", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
