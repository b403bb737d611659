"""Light and dark, wide and narrow, in two languages."""

import pytest

# The contrast of two colours, as WCAG has it, through a canvas, which knows all ways to write one.
CONTRAST = """
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const luminance = color => {
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((x, y) => y - x); return (x + .05) / (y + .05); };
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(chatd, open_page, scheme):
    page = open_page(chatd, scheme=scheme).wait_for_room("lobby")
    page.say("/nick a b").wait(lambda: page.texts("#log .error"), "an error")
    worst = page.run(CONTRAST + """
        const found = [], row = document.querySelector('#log .row');
        const add = (what, element, ground) => found.push([contrast(getComputedStyle(element).color, getComputedStyle(ground).backgroundColor), what]);
        for (const ground of [document.body, places]) for (let i = 0; i < 24; i++) {
            const name = document.createElement('bdi');
            name.className = `name hue${i}`;
            row.append(name);
            add(name.className, name, ground);
            name.remove();
        }
        for (const selector of ['#title', '#topic', '.row > .text', '.row > time', '.error .text', '#earlier']) add(selector, document.querySelector(selector), document.body);
        for (const selector of ['#server', 'h3', '#join']) add(selector, document.querySelector(selector), places);
        add('send', send, send);
        found.push([contrast(getComputedStyle(line, '::placeholder').color, getComputedStyle(line).backgroundColor), 'placeholder']);
        document.querySelector('#status').hidden = false;
        add('status', document.querySelector('#status'), document.querySelector('#status'));
        return found.sort((a, b) => a[0] - b[0])[0];
    """)
    assert worst[0] >= 4.5, worst


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
def test_nothing_is_cut_off(chatd, open_page, width):
    page = open_page(chatd, size=(width, 700)).wait_for_room("lobby").say("https://example.org/" + "x" * 300)
    page.wait_until_settled()
    assert page.run("return document.documentElement.scrollWidth") <= width
    for selector in ("#line", "#send", "#log .text"):
        box = page.rect(selector)
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= 700


def test_portuguese(chatd, open_page):
    page = open_page(chatd, languages="fr-FR,pt-BR,en").wait_for_room("lobby")
    assert page.run("return document.documentElement.lang") == "pt"
    assert page.find("#line").get_attribute("placeholder") == "Mensagem para \u2068lobby\u2069"
    assert open_page(chatd, languages="de-DE").wait_for_room("lobby").find("#earlier").text == "Earlier messages"


def test_the_page_is_small(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby")
    size = page.run("return performance.getEntriesByType('navigation')[0].decodedBodySize")
    assert size <= 40 * 1024
    # It loads nothing else.
    assert page.run("return performance.getEntriesByType('resource').map(each => each.name)") == []
