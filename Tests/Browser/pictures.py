"""Pictures of a talk about tea."""

import pathlib
import sys

from chromium import make_driver
from network import Chatd
from page import Page


def talk(daemon, driver):
    """A page in which some people have talked, in two rooms and privately; and those people, who stay for as long as somebody has them."""
    ana, ben, lukasz, maryam = (daemon.join(name) for name in ("ana", "ben", "Łukasz", "مريم"))
    ana.send("/topic green tea, and how to brew it\nolá! who has tried the new sencha?\nIt came this morning, and I could not wait.\n/who\n")
    ana.line_containing("in lobby")
    ben.send("me, twice already\n/me waves at the kettle\n/who\n")
    ben.line_containing("in lobby")
    lukasz.send("70 °C, two minutes, and never longer. There is more at https://example.org/tea/brewing?leaf=sencha (and in the book).\n/who\n")
    lukasz.line_containing("in lobby")
    page = Page(driver, daemon.url).wait_for_text("me, twice already").call_me("carla")
    page.say("I shall try it tonight").say("with the small pot").wait_until_settled()
    ana.send("carla: the small pot is the right one\n")
    page.wait_for_text("carla: the small pot is the right one")
    maryam.send("مرحبا! is there some left?\n")
    page.wait_for_text("مرحبا! is there some left?").say("/join kitchen").wait_for_room("kitchen")
    page.run("document.querySelector('#rooms button').click()")
    ben.send("/msg carla shall we order together?\n/join kitchen\nthe kettle is on\n")
    page.wait(lambda: page.driver.title.startswith("(2)"), "what is unread")
    return page, (ana, ben, lukasz, maryam)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    driver, daemon = make_driver(), Chatd("--chat", "--name", "tea.example.org", log=sys.stderr)
    try:
        page, _people = talk(daemon, driver)
        for name, scheme, size in (("light", "light", (1120, 720)), ("dark", "dark", (1120, 720)), ("phone", "light", (390, 780))):
            page.set_scheme(scheme)
            page.set_size(*size)
            driver.save_screenshot(str(folder / f"{name}.png"))
    finally:
        driver.quit()
        daemon.stop()


main(pathlib.Path(sys.argv[1]))
