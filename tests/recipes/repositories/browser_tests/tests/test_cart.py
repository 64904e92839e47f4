import os

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By


@pytest.fixture
def browser():
    options = webdriver.ChromeOptions()
    options.add_argument("--headless=new")
    options.add_argument("--no-sandbox")  # the container is the sandbox
    with webdriver.Chrome(options=options) as chrome:
        chrome.get(os.environ["SERVICE_URL"])
        yield chrome


def test_the_cart_counts(browser):
    for _ in range(2):
        browser.find_element(By.TAG_NAME, "button").click()
    assert browser.find_element(By.TAG_NAME, "p").text == "2 in your cart."
