from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from redis import redis


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        text = "ok" if self.path == "/healthz" else f"{redis('GET', 'greeting')}, visitor {redis('INCR', 'visits')}"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())


ThreadingHTTPServer(("", 8000), Page).serve_forever()
