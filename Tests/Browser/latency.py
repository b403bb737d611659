"""How soon somebody who opens the page of a chat reads what was said last: see the script beside it."""

import sys

from chromium import make_driver
from network import Chatd
from page import Page

#: Runs before anything of the page does, and notes when the message is painted: the time counts from the navigation on.
WATCH = """
new MutationObserver((_, observer) => {
    if (![...document.querySelectorAll('#log .text')].some(each => each.textContent === 'the kettle is on')) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => window.shownAt = performance.now()));
}).observe(document, { childList: true, subtree: true });
"""


def report(name, times):
    times.sort()
    print(f"{name}: median {times[len(times) // 2]:.1f} ms, most {times[-1]:.1f} ms")


def main(count):
    driver, daemon = make_driver(), Chatd("--chat", log=sys.stderr)
    try:
        ana = daemon.join("ana")
        ana.send("the kettle is on\n")
        page = Page(driver, daemon.url).wait_for_text("the kettle is on")
        page.command("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        loaded, shown = [], []
        for _ in range(count):
            driver.get(daemon.url)
            page.wait(lambda: page.run("return window.shownAt"), "the message")
            loaded.append(page.run("return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
            shown.append(page.run("return window.shownAt"))
        report("the page is loaded", loaded)
        report("the message is read", shown)
    finally:
        driver.quit()
        daemon.stop()


main(int(sys.argv[1]))
