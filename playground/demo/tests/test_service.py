"""The running service, asked over HTTP. SERVICE_URL says where it runs."""

import json
import os
import urllib.error
import urllib.request
import uuid

import pytest

SERVICE_URL = os.environ.get("SERVICE_URL", "").rstrip("/")
pytestmark = pytest.mark.skipif(not SERVICE_URL, reason="没有设置 SERVICE_URL，跳过对线上服务的测试")


def call(path, body=None):
    request = urllib.request.Request(SERVICE_URL + path, data=body)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_service_says_that_it_is_well():
    status, body = call("/healthz")
    assert status == 200
    assert json.loads(body)["status"] == "ok"


def test_an_entry_written_through_the_api_appears_on_the_page():
    text = f"来自测试 {uuid.uuid4().hex}"
    status, body = call("/api/entries", json.dumps({"name": "小林", "text": text}).encode())
    assert status == 201
    assert json.loads(body)["name"] == "小林"
    assert text in call("/")[1]


def test_an_empty_entry_is_refused_with_a_reason():
    status, body = call("/api/entries", b"{}")
    assert status == 400
    assert json.loads(body) == {"error": "留言不能为空"}


def test_unknown_pages_are_not_found():
    assert call("/no-such-page")[0] == 404
