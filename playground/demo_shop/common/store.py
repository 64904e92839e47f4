"""Products, orders and the queue of orders in Redis."""

import json
import os

from common.redis import Redis

PRODUCTS, ORDERS, QUEUE = "products", "orders", "queue"
EXAMPLES = {"龙井": 68, "普洱": 45, "茉莉花茶": 32}


class Store:
    def __init__(self):
        self._redis = Redis(os.environ.get("REDIS_HOST", "localhost"))

    def prepare(self):
        """Add the example products to an empty database."""
        for name, price in EXAMPLES.items():
            self._redis("HSETNX", PRODUCTS, name, price)

    def products(self):
        found = self._redis("HGETALL", PRODUCTS)
        return dict(zip(found[::2], map(int, found[1::2])))

    def orders(self):
        found = self._redis("HGETALL", ORDERS)
        return [json.loads(order) for order in found[1::2]]

    def order(self, product):
        number = self._redis("INCR", "number")
        self.save({"number": number, "product": product, "state": "ordered"})
        self._redis("LPUSH", QUEUE, number)
        return number

    def save(self, order):
        self._redis("HSET", ORDERS, order["number"], json.dumps(order, ensure_ascii=False))

    def next(self):
        """Wait for an order, and return it."""
        _, number = self._redis("BRPOP", QUEUE, 0)
        return json.loads(self._redis("HGET", ORDERS, number))
