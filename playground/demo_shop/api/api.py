"""Products and orders as JSON."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common.store import Store

STORE = Store()


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        answers = {"/": STORE.products, "/products": STORE.products, "/orders": STORE.orders, "/healthz": lambda: "ok"}
        answer = answers.get(self.path)
        self._answer(200, answer()) if answer else self._answer(404, "没有这个地址")

    def do_POST(self):
        product = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["product"]
        if product not in STORE.products():
            return self._answer(400, f"没有商品“{product}”")
        number = STORE.order(product)
        print(f"订单 {number}：{product}")
        self._answer(201, number)

    def _answer(self, status, value):
        body = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_):
        pass


STORE.prepare()
ThreadingHTTPServer(("", 8000), Api).serve_forever()
