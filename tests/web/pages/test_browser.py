"""The page as people use it, in a real browser: by mouse, keyboard and touch, with and without scripts."""

import http.server
import re
import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    Request,
    Route,
    expect,
    sync_playwright,
)

from tests.made_videos import solid_colour_clip
from tests.web.conftest import Library, fill, running
from vifi_cli.index.catalog.lock import note_progress, write_lock
from vifi_cli.index.concepts.store import ConceptStore

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

PATIENCE_MS = 120_000
COLOUR_ON_SCREEN = """video => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    if (red > 150 && blue < 90) return "red";
    if (blue > 150 && red < 90) return "blue";
    return green > red && green > blue ? "green" : "none";
}"""

SHOWN_IMAGES = "[...document.querySelectorAll('.frame img')].filter(i => i.checkVisibility())"


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    quiet = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--mute-audio",
    ]
    expect.set_options(timeout=PATIENCE_MS)
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
    yield browser
    browser.close()


@pytest.fixture
def context(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    options: dict[str, Any] = getattr(request, "param", {})
    context = browser.new_context(base_url=address, **options)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """A page on which nothing may go wrong unsaid, and that may ask nobody else for anything."""
    page = context.new_page()
    wrong: list[str] = []
    page.on(
        "console",
        lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None,
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if _is_foreign(request, address) else None)
    yield page
    assert wrong == []


def _is_foreign(request: Request, address: str) -> bool:
    return not request.url.startswith(f"{address}/")


PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
SMALL_PHONE = {**PHONE, "viewport": {"width": 320, "height": 568}}
NO_SCRIPT = {"java_script_enabled": False}


def hit(page: Page, name: str) -> Any:
    """The first hit of a video."""
    return page.locator("a.play", has_text=name).first


def shows(page: Page, colour: str) -> None:
    """Waits until the player's video shows a colour and goes on."""
    video = page.locator("video")
    page.wait_for_function(
        f"colour => {{ const video = document.querySelector('video'); return video.currentTime > 0 && !video.paused && "
        f"({COLOUR_ON_SCREEN})(video) === colour; }}",
        arg=colour,
    )
    assert video.evaluate("video => video.error") is None


def test_a_search_by_keyboard_alone(page: Page) -> None:
    page.goto("/")
    expect(page.locator("input[name=q]")).to_be_focused()
    page.keyboard.type("blue")
    page.keyboard.press("Enter")
    expect(page).to_have_title("blue – vifi")
    page.wait_for_load_state()
    page.keyboard.press("ArrowRight")
    expect(page.locator("a.play").nth(0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("a.play").nth(1)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_be_visible()
    shows(page, "blue")
    page.keyboard.press("ArrowDown")
    expect(page.locator("dialog h2")).to_have_text(
        page.locator("a.play").nth(1).get_attribute("data-name") or ""
    )
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    expect(page.locator("a.play").nth(1)).to_be_focused()
    expect(page).to_have_url("/?q=blue")
    page.keyboard.press("/")
    expect(page.locator("input[name=q]")).to_be_focused()
    page.keyboard.type("red")
    assert page.locator("input[name=q]").input_value() == "red", (
        "what was there is replaced, and the / is none of it"
    )
    page.keyboard.press("Escape")
    expect(page.locator("input[name=q]")).not_to_be_focused()


def test_several_hits_of_several_searches_are_downloaded_by_keyboard(page: Page) -> None:
    page.goto("/?q=blue")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("x")
    page.goto("/?q=red")
    bar = page.get_by_role("region", name="Selected moments")
    expect(bar.locator("summary")).to_have_text(re.compile(r"^1 moment selected, 0:0\d$"))
    page.locator("a.play").first.focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox").first).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    expect(bar.locator("summary")).to_contain_text("3 moments selected")
    assert page.locator(".picked").count() == 2
    bar.locator("summary").press("Enter")
    bar.get_by_role("button", name="Remove").last.press("Enter")
    expect(bar.locator("summary")).to_contain_text("2 moments selected")
    with page.expect_download() as downloading:
        bar.get_by_role("button", name="Download clips").press("Enter")
    assert downloading.value.suggested_filename == "red.zip"
    with zipfile.ZipFile(downloading.value.path()) as archive:
        assert len(archive.namelist()) == 3
    expect(bar.get_by_role("status")).to_contain_text("red.zip")
    bar.get_by_role("button", name="Clear").press("Enter")
    expect(bar).to_be_hidden()
    expect(page.locator("a.play").first).to_be_focused()


@pytest.mark.parametrize("context", [{"permissions": ["clipboard-read", "clipboard-write"]}], indirect=True)
def test_the_player_says_where_the_moment_is_and_downloads_it(page: Page, made_library: Library) -> None:
    page.goto("/?q=blue")
    hit(page, "red_then_blue.mp4").click()
    player = page.get_by_role("dialog")
    for name, said, text in (
        ("Copy path", "Copied the path", str(made_library.videos / "day" / "red_then_blue.mp4")),
        ("Copy time", "Copied 0:06", "0:06"),
    ):
        player.get_by_role("button", name=name).click()
        expect(player.get_by_role("button", name=said)).to_be_visible()
        assert page.evaluate("() => navigator.clipboard.readText()") == text
    with page.expect_download() as downloading:
        page.keyboard.press("d")
    assert downloading.value.suggested_filename == "red_then_blue-0m06s.mp4"
    page.keyboard.press("Escape")
    expect(page).to_have_url("/?q=blue")
    page.goto("/")
    page.keyboard.type("//v")
    assert page.locator("input[name=q]").input_value() == "/v", "the first / only asks for the field"
    page.goto("/")
    page.locator("input[name=q]").blur()
    page.keyboard.type("//v")
    assert page.locator("input[name=q]").input_value() == "/v", "so it does where the field has no focus yet"


def test_arrows_go_from_row_to_row(page: Page) -> None:
    page.set_viewport_size({"width": 700, "height": 800})
    page.goto("/")
    page.locator("input[name=q]").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("a.play").nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("a.play").nth(2)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("a.play").nth(0)).to_be_focused()


def test_a_click_plays_the_moment_again_and_again(page: Page) -> None:
    page.goto("/?q=blue")
    hit(page, "red_then_blue.mp4").click()
    video = page.locator("dialog video")
    shows(page, "blue")
    assert video.evaluate("video => video.currentSrc").endswith("/file#t=6")
    assert 5.9 <= video.evaluate("video => video.currentTime") <= 12
    video.evaluate("video => { video.currentTime = 11.9; }")
    page.wait_for_function("() => document.querySelector('video').currentTime < 11")
    assert video.evaluate("video => video.currentTime") >= 5.9
    shows(page, "blue")
    expect(page).to_have_url(hit(page, "red_then_blue.mp4").get_attribute("href") or "")
    page.go_back()
    expect(page.locator("dialog")).to_be_hidden()
    expect(page).to_have_url("/?q=blue")
    hit(page, "red_then_blue.mp4").click()
    page.get_by_role("dialog").get_by_role("link", name="More like this").click()
    expect(page).to_have_title("More like this – vifi")
    expect(page.locator(".seed")).to_contain_text("red_then_blue.mp4")
    page.go_back()
    expect(page).to_have_url("/?q=blue")
    expect(hit(page, "red_then_blue.mp4")).to_be_visible()


def test_who_looks_elsewhere_in_the_video_is_left_alone(page: Page) -> None:
    page.goto("/?q=blue")
    hit(page, "red_then_blue.mp4").click()
    shows(page, "blue")
    page.locator("dialog video").evaluate("video => { video.currentTime = 1; }")
    shows(page, "red")
    page.wait_for_function("() => document.querySelector('video').currentTime > 1.5")


def test_without_repetition_the_moment_stops_at_its_end(page: Page) -> None:
    page.goto("/?q=red")
    hit(page, "red_then_blue.mp4").click()
    shows(page, "red")
    page.get_by_role("button", name="Repeat").click()
    page.locator("dialog video").evaluate("video => { video.currentTime = 5.8; }")
    page.wait_for_function("() => document.querySelector('video').paused")
    assert page.locator("dialog video").evaluate("video => video.currentTime") < 6.6
    page.reload()
    page.goto("/?q=red")
    hit(page, "red_then_blue.mp4").click()
    expect(page.get_by_role("button", name="Repeat")).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(("words", "name"), [("blue", "blue.mkv"), ("green", "green.mp4")])
def test_what_the_browser_cannot_play_plays_all_the_same(page: Page, words: str, name: str) -> None:
    page.goto(f"/?q={words}")
    hit(page, name).click()
    shows(page, words)
    assert "/moment?" in page.locator("dialog video").evaluate("video => video.currentSrc")


def test_stills_begin_to_move(page: Page) -> None:
    page.goto("/?q=blue")
    page.wait_for_function(
        f"() => {SHOWN_IMAGES}.every(i => i.src.includes('/preview') && i.naturalWidth > 0)"
    )


@pytest.mark.parametrize("context", [{"reduced_motion": "reduce"}], indirect=True)
def test_who_wants_less_motion_sees_stills(page: Page) -> None:
    page.goto("/?q=blue")
    page.wait_for_function(f"() => {SHOWN_IMAGES}.every(i => i.complete)")
    assert page.locator(".frame img[src*='/preview']").count() == 0
    assert page.locator(".frame img[src*='/still']").count() > 0


def test_filters_and_the_like_of_a_moment(page: Page, made_library: Library) -> None:
    page.goto("/?q=red")
    page.select_option("select[name=by]", "video")
    expect(page).to_have_url("/?q=red&by=video")
    expect(page.locator(".card")).to_have_count(4)
    page.select_option("select[name=below]", str(made_library.videos / "night"))
    expect(page.locator(".card")).to_have_count(2)
    page.goto("/?q=blue")
    page.locator(".card", has_text="blue.mkv").first.hover()
    page.locator(".card", has_text="blue.mkv").first.get_by_role("link", name="More like").click()
    expect(page.locator(".seed")).to_contain_text("blue.mkv")
    expect(page.locator(".name").first).to_have_text("red_then_blue.mp4")
    page.select_option("select[name=by]", "video")
    expect(page.locator(".seed")).to_contain_text("blue.mkv")


@pytest.mark.parametrize("context", [NO_SCRIPT], indirect=True)
def test_without_a_script_it_searches_and_plays(page: Page) -> None:
    page.goto("/")
    page.fill("input[name=q]", "blue")
    page.press("input[name=q]", "Enter")
    expect(page).to_have_title("blue – vifi")
    expect(page.locator(".frame img").first).to_have_js_property("complete", True)
    hit(page, "blue.mkv").click()
    expect(page.locator("video source").first).to_have_attribute("type", "video/mp4")
    expect(page.locator("h1")).to_have_text("blue.mkv")
    page.get_by_role("link", name="More like this").click()
    expect(page.locator(".name").first).to_have_text("red_then_blue.mp4")


@pytest.mark.parametrize("context", [PHONE, SMALL_PHONE], indirect=True)
def test_a_phone_shows_it_all_and_back_closes_the_player(page: Page) -> None:
    for path in ("/", "/?q=blue"):
        page.goto(path)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    hit(page, "red_then_blue.mp4").tap()
    shows(page, "blue")
    assert page.evaluate("() => document.querySelector('dialog').scrollWidth <= innerWidth")
    page.go_back()
    expect(page.locator("dialog")).to_be_hidden()
    hit(page, "red_then_blue.mp4").tap()
    page.get_by_role("button", name="Close").tap()
    expect(page).to_have_url("/?q=blue")


@pytest.mark.parametrize("context", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
@pytest.mark.parametrize("words", ["blue", "a zebra"])
def test_all_text_can_be_read(page: Page, words: str) -> None:
    page.goto(f"/?q={words}")
    page.locator("a.play").first.focus()
    page.keyboard.press("x")
    expect(page.locator("#selection")).to_be_visible()
    for details in page.locator("details").all():
        details.evaluate("details => { details.open = true; }")
    faint = page.evaluate(
        """() => {
        const unit = text => text.startsWith("color(") ? 255 : 1;
        const channels = text => text.match(/[\\d.]+/g).map((part, i) => Number(part) * (i < 3 ? unit(text) : 1));
        const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        const behind = element => {
            for (let at = element; at; at = at.parentElement) {
                const colour = channels(getComputedStyle(at).backgroundColor);
                if (colour.length < 4 || colour[3] > 0.6) return colour;
            }
        };
        return [...document.querySelectorAll("main *, header *, section *, footer *")]
            .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.checkVisibility())
            .map(e => {
                const [a, b] = [channels(getComputedStyle(e).color), behind(e)].map(luminance).sort((x, y) => y - x);
                return [e.tagName, e.className, (a + 0.05) / (b + 0.05)];
            }).filter(([, , ratio]) => ratio < 4.5);
    }"""
    )
    assert faint == []


def test_a_file_that_is_gone_is_said_to_be_in_the_player(
    context: BrowserContext, made_library: Library
) -> None:
    page = context.new_page()
    path = made_library.videos / "day" / "red.mp4"
    page.goto("/?q=red&below=*/red.mp4")
    away = path.rename(path.with_suffix(".away"))
    try:
        hit(page, "red.mp4").click()
        expect(page.locator(".wait")).to_contain_text("not where it was")
    finally:
        away.rename(path)


def test_a_running_index_run_is_seen(page: Page, made_library: Library) -> None:
    page.goto("/?q=red")
    expect(page.locator("#running")).to_be_hidden()
    with write_lock(made_library.index):
        note_progress(made_library.index, 12, 3)
        expect(page.locator("#running")).to_have_text("Indexing: 3 of 12 files done")
        note_progress(made_library.index, 12, 7)
        expect(page.locator("#running")).to_have_text("Indexing: 7 of 12 files done")
    expect(page.locator("#running")).to_be_hidden()


def test_another_site_in_the_same_browser_gets_nothing(
    context: BrowserContext, address: str, made_library: Library
) -> None:
    path = made_library.address("day/red.mp4", "file")
    content = f"""<body><script>
        const told = {{}};
        for (const [kind, path] of [["img", "{made_library.address("day/red.mp4", "still")}"], ["video", "{path}"]]) {{
            const element = document.createElement(kind);
            element.onload = element.onloadeddata = () => told[kind] = "shown";
            element.onerror = () => told[kind] = "refused";
            element.src = "{address}" + path;
            document.body.append(element);
        }}
        fetch("{address}/progress").then(() => told.fetch = "read", () => told.fetch = "refused");
        fetch("{address}/?q=red", {{ mode: "no-cors" }}).then(() => told.blind = "sent", () => told.blind = "refused");
        const frame = document.createElement("iframe");
        frame.onload = () => told.frame = frame.contentDocument ? "own" : "blank";
        frame.src = "{address}/";
        document.body.append(frame);
        window.told = told;
    </script></body>""".encode()

    class OtherSite(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OtherSite) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            page = context.new_page()
            page.goto(f"http://localhost:{site.server_port}/")
            page.wait_for_function("() => Object.keys(told).length === 5")
            told = page.evaluate("() => told")
            page.close()
        finally:
            site.shutdown()
            thread.join()
    assert told == {
        "img": "refused",
        "video": "refused",
        "fetch": "refused",
        "blind": "refused",
        "frame": "blank",
    }


def test_names_and_questions_that_would_be_scripts_are_text(
    browser: Browser, library: Library, tmp_path: Path
) -> None:
    name = (
        "<img src=x onerror=window.done=1>' onfocus=window.done=2 \" autofocus &lt;script&gt; {{ 7*7 }}.mp4"
    )
    folder = library.videos / "<script>window.done=3<" / "javascript:window.done=4"
    folder.mkdir(parents=True)
    solid_colour_clip(folder / name, [("red", 3.0)])
    solid_colour_clip(library.videos / "red.mp4", [("red", 3.0)])
    library.update()
    words = f'red {name} " </title><script>window.done=5</script>'  # a pair of quotes
    with running(library, tmp_path / "cache") as address, browser.new_context(base_url=address) as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        asked_for: list[str] = []
        page.on("request", lambda request: asked_for.append(request.url))
        page.on("dialog", lambda dialog: asked_for.append(f"a dialog: {dialog.message}"))
        page.goto("/")
        page.fill("input[name=q]", words)
        page.press("input[name=q]", "Enter")
        expect(page).to_have_title(f"{words} – vifi")
        expect(page.locator("input[name=q]")).to_have_value(words)
        expect(page.locator(".name", has_text="onerror")).to_have_text(name)
        page.locator("a.play", has_text="onerror").click()
        expect(page.locator("dialog h2")).to_have_text(name)
        shows(page, "red")
        page.keyboard.press("Escape")
        page.select_option("select[name=below]", str(folder))
        expect(page.locator(".card")).to_have_count(1)
        page.goto(page.locator("a.play").get_attribute("href") or "")
        expect(page.locator("h1")).to_have_text(name)
        page.get_by_role("link", name="More like this").click()
        expect(page.locator(".seed")).to_contain_text(name)
        page.goto("/?below=%3Cscript%3Ewindow.done=6%3C/script%3E&q=red")
        assert page.evaluate("() => window.done") is None
        assert page.locator("img[src=x], [onerror], [onfocus]").count() == 0
        assert all(url.startswith(f"{address}/") for url in asked_for)


def test_a_thousand_hits_can_be_scrolled_through(browser: Browser, library: Library, tmp_path: Path) -> None:
    fill(library, 340)
    asked_for: list[str] = []
    with running(library, tmp_path / "cache") as address, browser.new_context(base_url=address) as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("request", lambda request: asked_for.append(request.url))
        page.goto("/?q=red&top=1000")
        expect(page.locator(".card")).to_have_count(1000)
        last = page.locator(".card").last
        page.locator("a.play").first.focus()
        page.keyboard.press("End")
        expect(last).to_be_in_viewport()
        page.wait_for_function(
            """() => {
            const inSight = [...document.querySelectorAll('.frame img')].filter(image => {
                const { top, bottom } = image.getBoundingClientRect();
                return bottom > 0 && top < innerHeight;
            });
            return inSight.length && inSight.every(image => image.complete && image.naturalWidth > 0);
        }"""
        )
        stills = [url for url in asked_for if "/still" in url]
        assert len(stills) < 200, "stills that you scroll past are not requested"
        for _ in range(5):
            page.keyboard.press("PageUp")
        last.locator("a.play").focus()
        page.keyboard.press("ArrowLeft")
        expect(page.locator("a.play").nth(998)).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("dialog h2")).to_have_text(
            page.locator("a.play").nth(998).get_attribute("data-name") or ""
        )


def test_what_is_asked_during_an_index_run_is_answered(page: Page, made_library: Library) -> None:
    with write_lock(made_library.index):
        note_progress(made_library.index, 1200, 3)
        page.goto("/")
        page.fill("input[name=q]", "blue")
        page.press("input[name=q]", "Enter")
        expect(page).to_have_title("blue – vifi")
        expect(page.locator("#running")).to_have_text("Indexing: 3 of 1,200 files done")
        expect(page.locator("#running")).to_be_in_viewport()
        hit(page, "red_then_blue.mp4").click()
        shows(page, "blue")


@pytest.fixture(scope="module")
def school(made_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address and the index folder of a server of the shared library; tests choose names of their own."""
    folder = tmp_path_factory.mktemp("school")
    (folder / "index").symlink_to(made_library.index, target_is_directory=True)
    own = Library(made_library.videos, folder / "index")
    with running(own, folder / "cache") as address:
        yield address, own.index


@pytest.fixture
def taught(browser: Browser, school: tuple[str, Path]) -> Iterator[Page]:
    """A page of that server."""
    with browser.new_context(base_url=school[0]) as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        wrong: list[str] = []
        page.on(
            "console", lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        yield page
        # Chromium reports each answer that is an error
        assert [text for text in wrong if "status of 400" not in text] == []


def mark_of(page: Page, name: str, mark: str) -> Any:
    """The button that marks the first hit of a video."""
    return page.locator(".card", has_text=name).first.get_by_role("button", name=mark)


def test_a_concept_is_taught_by_keyboard_alone(taught: Page) -> None:
    page = taught
    page.goto("/?q=a+blue+thing")
    expect(page.get_by_role("button", name="Right")).to_have_count(0)
    page.locator(".offer summary").press("Enter")
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_be_focused()
    page.keyboard.type("bl ue")  # in place of what is proposed
    page.keyboard.press("Enter")
    expect(page.locator(".offer").get_by_role("alert")).to_contain_text("cannot name a concept")
    name.fill("blues")
    page.keyboard.press("Enter")
    page.wait_for_url("**teach=blues")
    bar = page.get_by_role("region", name="Teaching @blues")
    expect(bar).to_contain_text("0 right, 0 wrong")
    page.locator("details.rest").evaluate_all("all => all.forEach(one => { one.open = true; })")
    hit(page, "blue.mkv").focus()
    page.keyboard.press("y")
    expect(mark_of(page, "blue.mkv", "Right")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#said")).to_contain_text("Marked right.")
    hit(page, "green.mp4").press("n")
    expect(bar).to_contain_text("1 right, 1 wrong")
    expect(bar.get_by_role("link", name="Search @blues")).to_be_visible()
    hit(page, "red.mp4").press("y")
    expect(bar).to_contain_text("2 right, 1 wrong")
    page.keyboard.press("u")
    expect(bar).to_contain_text("1 right, 1 wrong")
    expect(mark_of(page, "red.mp4", "Right")).to_have_attribute("aria-pressed", "false")
    hit(page, "red.mp4").press("Enter")
    player = page.get_by_role("dialog")
    expect(player.get_by_role("button", name="Wrong")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("n")
    expect(player.get_by_role("button", name="Wrong")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(bar).to_contain_text("1 right, 2 wrong")
    bar.get_by_role("link", name="Search @blues").press("Enter")
    expect(page).to_have_title("@blues – vifi")
    page.wait_for_load_state()
    mark_of(page, "blue.mkv", "Right").click()
    expect(bar).to_contain_text("0 right, 2 wrong")
    page.go_back()  # to a page that was loaded before, and where it was marked
    expect(bar).to_contain_text("0 right, 2 wrong")
    expect(mark_of(page, "blue.mkv", "Right")).to_have_attribute("aria-pressed", "false")
    page.locator("details.rest").evaluate_all("all => all.forEach(one => { one.open = true; })")
    expect(mark_of(page, "red.mp4", "Wrong")).to_have_attribute("aria-pressed", "true")
    mark_of(page, "blue.mkv", "Right").click()
    expect(bar).to_contain_text("1 right, 2 wrong")
    page.goto("/")
    page.get_by_role("link", name="@blues").click()
    expect(bar).to_contain_text("1 right, 2 wrong")


def test_nothing_can_be_clicked_before_the_script_has_loaded(taught: Page, school: tuple[str, Path]) -> None:
    ConceptStore(school[1]).add("early", "red")
    waiting: list[Route] = []
    taught.route("**/page.js", lambda route: waiting.append(route))
    taught.goto("/?q=red&teach=early", wait_until="commit")
    right = taught.locator("[data-judge=right]").first
    right.wait_for(state="attached")
    expect(right).to_be_hidden()
    waiting[0].continue_()
    right.click()
    expect(right).to_have_attribute("aria-pressed", "true")


def test_a_mark_that_is_not_stored_is_not_shown(taught: Page) -> None:
    page = taught
    page.goto("/?q=red")
    page.locator(".offer summary").click()
    page.get_by_role("button", name="Start teaching").click()
    page.wait_for_url("**teach=red")
    right = mark_of(page, "red.mp4", "Right")
    page.route(
        "**/marks*", lambda route: route.fulfill(status=200, content_type="text/html", body="a proxy's page")
    )
    right.click()
    expect(page.locator("#teaching").get_by_role("alert")).to_contain_text("Not stored")
    expect(right).to_have_attribute("aria-pressed", "false")
    page.unroute("**/marks*")
    right.click()
    expect(right).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#teaching").get_by_role("alert")).to_be_hidden()
    right.click()
    expect(page.locator("#teaching")).to_contain_text("0 right, 0 wrong")
    page.get_by_role("button", name="Undo").click()
    expect(right).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(right).to_have_attribute("aria-pressed", "true")


def test_teaching_fits_a_phone_and_fingers(browser: Browser, school: tuple[str, Path]) -> None:
    ConceptStore(school[1]).add("x" * 64, "red")
    with browser.new_context(base_url=school[0], **PHONE) as context:
        page = context.new_page()
        for place in ("/", "/?q=red", f"/?q=red&teach={'x' * 64}"):
            page.goto(place)
            page.locator(".offer summary").evaluate_all("all => all.forEach(one => one.click())")
            shown = page.locator(
                ".judge button, .teaching .actions > *, .offer :is(input, button, .button, summary), .concepts a"
            ).filter(visible=True)
            assert shown.count() >= 1
            heights = shown.evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
            assert min(heights) >= 44
            assert page.evaluate("document.documentElement.scrollWidth") == 390
        bar = page.get_by_role("region", name="Teaching")
        learned, words = bar.locator(".learned"), "Average precision on marks left out. " * 6
        learned.evaluate("(element, words) => { element.textContent = words; }", words)
        actions = bar.locator(".actions > *").filter(visible=True)
        boxes = actions.evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
        assert len({box["top"] for box in boxes}) == 1
        assert max(box["right"] for box in boxes) <= 390, "all can be reached without scrolling"
        height = bar.evaluate("element => element.offsetHeight")
        assert height <= 844 * 0.17
        learned.tap()  # shows all of it
        assert bar.evaluate("element => element.offsetHeight") > height
        assert learned.evaluate("element => element.scrollHeight <= element.offsetHeight + 1")
