"""What somebody who means harm says is shown, and nothing more."""

import re
import urllib.request

MARKUP = [
    "<script>document.title='bad'</script>",
    "<img src=x onerror=\"document.title='bad'\">",
    "<style>*{display:none}</style></bdi></div>",
    "<svg/onload=document.title='bad'>",
    "&lt;b&gt; &amp; &#60;",
    "javascript:alert(1) data:text/html,<script>1</script> vbscript:x file:///etc/passwd",
    "{{nonce}} ${document.title='bad'}",
]


def test_markup_is_text(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby").call_me("ana")
    elements = page.run("return document.querySelectorAll('script, style, img, iframe, svg, link').length")
    ben = chatd.join("ben")
    for text in MARKUP:
        ben.send(f"{text}\n/me {text}\n/topic {text}\n/msg ana {text}\n/nick {text}\n")
    ben.send("the end\n")
    page.wait_for_text("the end")
    for text in MARKUP:
        assert page.texts("#log .say .text").count(text) == 1
    page.wait_for_text(MARKUP[-1], "#topic")
    assert page.texts("#names .name") == ["ana", "ben"]
    page.run("document.querySelector('#directs button').click()")
    page.wait_for_text(MARKUP[0])
    assert page.run("return document.querySelectorAll('script, style, img, iframe, svg, link').length") == elements
    assert page.run("return document.title").endswith("ben – tea")
    assert page.texts("a") == []


def test_links(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby")
    ben = chatd.join("ben")
    ben.send(
        "see https://example.org/a?b=c&d=e#f, (http://example.org/x) and https://example.org/wiki/Tea_(drink).\n"
        "xhttps://no.example https:// http://[ javascript:https://x.example 'https://q.example'\n"
        "HTTPS://example.org/\u202ecod.exe\n")
    page.wait_for_text("HTTPS://example.org/\\u{202E}cod.exe")
    links = page.run("return [...document.querySelectorAll('#log a')].map(a => [a.textContent, a.getAttribute('href'), a.rel, a.target])")
    assert [link[0] for link in links[:3]] == [
        "https://example.org/a?b=c&d=e#f", "http://example.org/x", "https://example.org/wiki/Tea_(drink)"]
    for text, href, rel, target in links:
        # A link is what it shows.
        assert href == text and re.match("https?://", text, re.I)
        assert (rel, target) == ("noopener noreferrer nofollow", "_blank")


def test_marks_that_stack_and_turn(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby")
    ben = chatd.join("ben")
    ben.send("tower " + "a" + "\u0301" * 300 + "\n" + "long" * 1000 + "\n\u05d0\u05d1 hebrew 1\n")
    page.wait_for_text("\u05d0\u05d1 hebrew 1")
    sizes = page.run("return [...document.querySelectorAll('.row')].map(e => [e.scrollWidth - e.clientWidth, getComputedStyle(e).overflowY])")
    assert all(size == [0, "clip"] for size in sizes)
    assert page.run("return getComputedStyle(document.querySelector('.row .name')).unicodeBidi") == "isolate"


def test_the_policy(chatd):
    def fetch():
        with urllib.request.urlopen(chatd.url) as response:
            return response.headers["Content-Security-Policy"], response.read().decode()

    (policy, page), (other, _) = fetch(), fetch()
    nonce = re.search("script-src 'nonce-([^']+)'", policy)[1]
    assert nonce not in other and page.count(f'nonce="{nonce}"') == 2 and "{{nonce}}" not in page.partition("</style>")[0]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    # Nothing comes from elsewhere, and no attribute has style or script.
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert not re.search(r"<[^>]+\s(style|on\w+)=", page.partition("<script")[0])


def test_a_long_link_takes_no_time(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby")
    page.say(f"http://example.org{'.' * 3000}x{'.' * 3000}").wait_until_settled()
    assert page.texts("#log a") == [f"http://example.org{'.' * 3000}x"]
