"""A Chromium for the tests of a session, and pages of chats in its tabs."""

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from page import Page


def make_driver():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    # Root has no sandbox, and a container little shared memory.
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


@pytest.fixture(scope="session")
def driver():
    driver = make_driver()
    yield driver
    driver.quit()


@pytest.fixture
def open_page(driver):
    """Opens the page of a chatd in a tab of its own, and closes it in the end. By then the browser must have had nothing to say."""
    first, pages = driver.current_window_handle, []

    def open_page(daemon, **options):
        pages.append(Page(driver, daemon.url, **options))
        return pages[-1]

    yield open_page
    complaints = [complaint for page in pages for complaint in page.complaints()]
    for page in pages:
        page.close()
    driver.switch_to.window(first)
    assert not complaints
