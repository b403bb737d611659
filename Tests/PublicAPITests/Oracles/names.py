"""Writes down what names are by Python's tables of Unicode, for ChatNameUnicodeTests.

    names.py scalars            VERDICT FIRST LAST for all that Python's Unicode has: letter, mark, form or other;
                                folded SCALAR TEXT for each letter and mark that is not equal to itself alone
    names.py pairs SEED COUNT   TEXT TEXT, two random names, and whether they are to be equal: True or False

A text is the hexadecimal numbers of its scalars, with commas between them.
"""

import random
import sys
import unicodedata
from unicodedata import normalize

# Those among the letters and marks that are Default_Ignorable_Code_Point.
INVISIBLE = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0,
             *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
# Letters of Armenian, Thai and Lao that decompose by compatibility, and that are allowed nevertheless.
EVERYDAY = "\u0587\u0e33\u0eb3\u0edc\u0edd"
# Vowels of Tibetan that are refused, because the standard library does not find texts with them equal that are equivalent.
DISCOURAGED = "\u0f73\u0f75\u0f81"


def verdict(character: str) -> str:
    category = unicodedata.category(character)
    if ord(character) in INVISIBLE or not (category[0] == "L" or category in ("Mn", "Mc", "Nd") or character in "_-"):
        return "other"
    is_form = normalize("NFKD", character) != normalize("NFD", character) and character not in EVERYDAY
    if is_form or character in DISCOURAGED:
        return "form"
    return "mark" if category[0] == "M" else "letter"


def folded(text: str) -> str:
    """The canonical caseless match of the Unicode standard (D145)."""
    spelled = "".join(normalize("NFKD", character) if character in EVERYDAY else character for character in text)
    return normalize("NFD", normalize("NFD", spelled).casefold())


def written(text: str) -> str:
    return ",".join(f"{ord(character):X}" for character in text)


def scalars() -> None:
    run = None
    for number in range(0x110000 + 1):
        character = chr(number) if number < 0x110000 else None
        # Of what is not assigned, the standard library may know more. Surrogates are no scalars.
        known = character is not None and unicodedata.category(character) not in ("Cn", "Cs")
        found = verdict(character) if known else None
        if run and run[0] != found:
            print(run[0], f"{run[1]:X} {number - 1:X}")
            run = None
        if known and not run:
            run = (found, number)
        if found in ("letter", "mark") and folded(character) != character:
            print("folded", f"{number:X}", written(folded(character)))


def pairs(seed: int, count: int) -> None:
    source = random.Random(seed)
    known = [c for c in map(chr, range(0x30000)) if unicodedata.category(c) != "Cn" and verdict(c) in ("letter", "mark")]
    cased = [c for c in known if c.casefold() != c or c.upper() != c]
    marks = [c for c in known if verdict(c) == "mark"]
    composed = [c for c in known if normalize("NFD", c) != c and not "\uac00" <= c <= "\ud7a3"]
    # The Greek marks, of which one becomes a letter, with letters that have them; marks of Tibetan that are reordered; jamo; the letter i.
    greek = "αωΩᾳᾴῼᾈῃΰ\u0345\u0301\u0313\u0342\u0308\u0f71\u0f72"
    odd = "iIİıßẞſsσςΣKkÅå\u1100\u1161\u11a8각" + EVERYDAY + "եւหนຫມ\u0e4d\u0e32"
    pools = [cased, marks, composed, greek, greek, [c for c in odd if verdict(c) in ("letter", "mark")], "ab_-7"]

    def mixed(text: str) -> bool:
        """Whether letters of two alphabets are in it: no name has them."""
        letters = [c for c in folded(text) if unicodedata.category(c) in ("Lu", "Ll", "Lt") or "\ua4d0" <= c <= "\ua4ff"]
        return len({unicodedata.name(c).split()[0] for c in letters}) > 1

    def any_text() -> str:
        while True:
            text = "".join(source.choice(source.choice(pools)) for _ in range(source.randint(1, 6)))
            if verdict(text[0]) == "letter" and not mixed(text) and len([c for c in text if verdict(c) == "mark"]) <= 4:
                return text

    def changed(text: str) -> str:
        """Another way to write it, or something near."""
        for _ in range(source.randint(1, 3)):
            kind = source.randrange(6)
            if kind == 0:
                text = normalize("NFC", text)
            elif kind == 1:
                text = normalize("NFD", text)
            elif kind == 2:
                text = "".join(c.upper() if source.random() < 0.5 else c for c in text)
            elif kind == 3:
                text = "".join(c.lower() if source.random() < 0.5 else c for c in text)
            elif kind == 4 and len(text) > 1:
                at = source.randrange(len(text) - 1)
                text = text[:at] + text[at + 1] + text[at] + text[at + 2:]
            else:
                text = folded(text)
        return text

    while count > 0:
        one = any_text()
        other = changed(one) if source.random() < 0.9 else any_text()
        if verdict(other[0]) == "letter" and all(verdict(c) in ("letter", "mark") for c in other) and len(other) < 24 and not mixed(other):
            print(written(one), written(other), folded(one) == folded(other))
            count -= 1


if sys.argv[1] == "scalars":
    scalars()
else:
    pairs(int(sys.argv[2]), int(sys.argv[3]))
