"""The model of a terminal's screen: pyte's, with what xterm does otherwise."""

import unicodedata

import pyte
from pyte import modes
from pyte.screens import wcwidth


class TerminalModel(pyte.HistoryScreen):
    """A screen and what has been scrolled off its top.

    pyte differs from real terminals at the right edge: it does not wrap before a wide character that has one column left, it drops what
    follows a joiner, and it does not erase the last column while a wrap is pending.
    """

    def __init__(self, columns, rows):
        super().__init__(columns, rows, history=200_000, ratio=0.5)

    def draw(self, data):
        for character in data:
            width = wcwidth(character)
            if width < 0:
                continue
            if width == 0:
                self.combine(character)
                continue
            if self.cursor.x + width > self.columns:
                if modes.DECAWM in self.mode:
                    self.carriage_return()
                    self.linefeed()
                else:
                    self.cursor.x = self.columns - width
            if modes.IRM in self.mode:
                self.insert_characters(width)
            line = self.buffer[self.cursor.y]
            column = max(0, self.cursor.x)
            # Half of a wide character that is overwritten is a space.
            if line[column].data == "" and column > 0:
                line[column - 1] = line[column - 1]._replace(data=" ")
            if column + width < self.columns and line[column + width].data == "":
                line[column + width] = line[column + width]._replace(data=" ")
            line[column] = self.cursor.attrs._replace(data=character)
            if width == 2 and column + 1 < self.columns:
                line[column + 1] = self.cursor.attrs._replace(data="")
            self.cursor.x = min(self.cursor.x + width, self.columns)
            self.dirty.add(self.cursor.y)

    def combine(self, character):
        """Adds what has no width to the character before the cursor."""
        column = min(self.cursor.x, self.columns) - 1
        line = self.buffer[self.cursor.y]
        if column > 0 and line[column].data == "":
            column -= 1
        if column >= 0:
            line[column] = line[column]._replace(data=unicodedata.normalize("NFC", line[column].data + character))

    def erase_in_line(self, how=0, private=False):
        self.settle()
        super().erase_in_line(how, private)

    def erase_in_display(self, how=0, *arguments, **options):
        self.settle()
        super().erase_in_display(how, *arguments, **options)

    def cursor_up(self, count=None):
        self.settle()
        super().cursor_up(count)

    def cursor_down(self, count=None):
        self.settle()
        super().cursor_down(count)

    def settle(self):
        """Forgets that the next character would wrap."""
        self.cursor.x = min(self.cursor.x, self.columns - 1)
