"""The running services, from the order to the worker that ships it."""

import json
import os
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

API = os.environ["API_URL"]


def order(product):
    with urlopen(Request(f"{API}/orders", json.dumps({"product": product}).encode())) as answer:
        return json.load(answer)


def state(number):
    with urlopen(f"{API}/orders") as answer:
        return next(one["state"] for one in json.load(answer) if one["number"] == number)


def test_the_worker_ships_an_order():
    number = order("龙井")
    until = time.monotonic() + 60
    while state(number) != "shipped" and time.monotonic() < until:
        time.sleep(0.05)
    assert state(number) == "shipped"


def test_an_unknown_product_is_refused():
    with pytest.raises(HTTPError, match="400"):
        order("咖啡")


def test_the_page_shows_the_products():
    with urlopen(os.environ["SERVICE_URL"]) as page:
        assert "普洱" in page.read().decode()
