"""The page of the shop; the data comes from the API."""

import json
import os
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

API = os.environ.get("API_URL", "http://localhost:8000")
PAGE = Template(Path("page.html").read_text())
PRODUCT = (
    '<li>{name} <small>{price} 元</small>'
    '<form method="post"><button name="product" value="{name}">下单</button></form></li>'
)
ORDER = "<li>订单 {number} <small>{product}</small><span>{state}</span></li>"
STATES = {"ordered": "备货中", "shipped": "已发货"}


def ask(path, sent=None):
    body = None if sent is None else json.dumps(sent).encode()
    with urlopen(Request(API + path, body)) as answer:
        return json.load(answer)


def page():
    products = [PRODUCT.format(name=escape(name), price=price) for name, price in ask("/products").items()]
    orders = [
        ORDER.format(number=one["number"], product=escape(one["product"]), state=STATES[one["state"]])
        for one in ask("/orders")
    ]
    return PAGE.substitute(products="".join(products), orders="".join(orders) or "<li>还没有订单。</li>")


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer(200, "ok" if self.path == "/healthz" else page())

    def do_POST(self):
        fields = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        ask("/orders", {"product": fields["product"][0]})
        self._answer(303, "", Location="/")

    def _answer(self, status, text, **headers):
        body = text.encode()
        self.send_response(status)
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": len(body), **headers}
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_):
        pass


ThreadingHTTPServer(("", 8080), Shop).serve_forever()
