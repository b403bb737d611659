"""Somebody before a browser's tab in which the page of a chat is open."""

import re

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from network import PATIENCE


class Page:
    #: The page that was looked at last: to ask the browser costs as much as to switch.
    front = None

    def __init__(self, driver, url, *, languages="en-GB", scheme="light", size=(1280, 800)):
        self.driver = driver
        driver.switch_to.new_window("tab")
        self.tab = driver.current_window_handle
        Page.front = self
        # What belongs to a tab, so that those of other tests are as they were.
        agent = driver.execute_script("return navigator.userAgent")
        self.command("Network.setUserAgentOverride", userAgent=agent, acceptLanguage=languages)
        self.set_scheme(scheme)
        self.set_size(*size)
        self.set_focus(True)
        driver.get(url)

    def command(self, name, **parameters):
        """A command of Chromium's own protocol."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def set_scheme(self, scheme):
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def set_focus(self, has_focus):
        """Whether the page has the focus for sure. Without that, it has none while nobody looks at the tab."""
        self.command("Emulation.setFocusEmulationEnabled", enabled=has_focus)

    def set_size(self, width, height):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 640)

    def look(self):
        """Brings the tab to the front."""
        if Page.front is not self:
            self.driver.switch_to.window(self.tab)
            Page.front = self
        return self

    def run(self, script, *arguments):
        return self.look().driver.execute_script(script, *arguments)

    def find(self, selector):
        return self.look().driver.find_element(By.CSS_SELECTOR, selector)

    def rect(self, selector):
        """Where the first such element is. In one step: the page may draw its lists anew between two."""
        return self.run("return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()", selector)

    def texts(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])].map(each => each.textContent)", selector)

    def wait(self, condition, what):
        self.look()
        try:
            WebDriverWait(self.driver, PATIENCE, poll_frequency=0.02).until(lambda _: condition())
        except Exception as error:
            shown = self.find("body").text
            raise AssertionError(f"{what} does not come:\n{shown}") from error
        return self

    def wait_for_text(self, text, selector="#log .text"):
        """Waits for an element that has the text, and nothing else."""
        return self.wait(lambda: text in self.texts(selector), f"{text!r} in {selector}")

    def wait_for_room(self, name):
        return self.wait(lambda: self.find("#title").text == name, f"the room {name}")

    def wait_until_settled(self):
        """Waits until all that was said has been confirmed."""
        # The page draws rows with the next frame: before that, what was said a moment ago is neither there nor pending.
        self.look().driver.execute_async_script("requestAnimationFrame(arguments[0])")
        return self.wait(lambda: not self.texts(".pending"), "the confirmation of all rows")

    @property
    def line(self):
        return self.find("#line")

    @property
    def typed(self):
        return self.line.get_property("value")

    def type(self, *keys):
        self.line.send_keys(*keys)
        return self

    def say(self, text):
        # At once: a driver takes its time for each key.
        self.line.click()
        self.command("Input.insertText", text=text)
        return self.type(Keys.ENTER)

    def press(self, *keys):
        """Keys that go to whatever has the focus."""
        self.look().driver.switch_to.active_element.send_keys(*keys)
        return self

    def focus(self):
        """What has the focus: its identifier, or else its text."""
        return self.run("const e = document.activeElement; return e.id || e.textContent")

    def call_me(self, name):
        return self.say(f"/nick {name}").wait(lambda: self.find("#me").text == name, f"the name {name}")

    def wait_for_break(self):
        return self.wait(lambda: "Connect now" in self.find("#status").text, "the loss of the connection")

    def wait_for_connection(self):
        return self.wait(lambda: not self.find("#status").is_displayed(), "the connection")

    def complaints(self):
        """What the browser had to say, such as of a policy that was broken. Lost connections are none: tests lose them,
        and the page asks why."""
        entries = self.look().driver.get_log("browser")
        return [entry["message"] for entry in entries if not re.search("WebSocket connection|/ws - Failed to load", entry["message"])]

    def close(self):
        self.look().driver.close()
        Page.front = None
