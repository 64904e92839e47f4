"""Notes in a SQLite file beside this one."""

import sqlite3
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

database = sqlite3.connect(Path(__file__).with_name("notes.db"))
with database:
    database.execute("CREATE TABLE IF NOT EXISTS notes (text TEXT UNIQUE)")
    database.execute("INSERT OR IGNORE INTO notes VALUES ('buy tea')")


class Notes(BaseHTTPRequestHandler):
    def do_GET(self):
        rows = database.execute("SELECT text FROM notes").fetchall()
        self._answer(200, "ok" if self.path == "/healthz" else "\n".join(escape(text) for (text,) in rows))

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with database:
            database.execute("INSERT OR IGNORE INTO notes VALUES (?)", [text])
        self._answer(201, "")

    def _answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_request(self, *_):
        pass


HTTPServer(("", 8000), Notes).serve_forever()
