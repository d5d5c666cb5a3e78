"""Reads the page of `orrery figures`, and opens it in a browser without a screen."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

#: Elements that have no end.
VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass
class Element:
    """An element with all that stands in it, in order: texts and elements."""

    name: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, in one line."""
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return " ".join(" ".join(parts).split())

    def all(self, *names: str) -> list[Element]:
        """Elements of these names below this one (of any name where none is given), in order."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                found += [child] if not names or child.name in names else []
                found += child.all(*names)
        return found


class Page(HTMLParser):
    """The tree of a page, which must be well formed: every element is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]
        self.faults: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"{element.name} is not closed" for element in self.open[1:]]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len({name for name, _ in attrs}) != len(attrs):
            self.faults.append(f"{tag} has an attribute twice: {attrs}")
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].name != tag:
            self.faults.append(f"</{tag}> where {self.open[-1].name} is open")
        elif len(self.open) > 1:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def by_id(self, name: str) -> Element:
        return next(element for element in self.root.all() if element.attributes.get("id") == name)

    def table(self, caption: str) -> list[list[str]]:
        """The rows of the table with this caption, headings among them."""
        for table in self.root.all("table"):
            if table.all("caption")[0].text == caption:
                return [[cell.text for cell in row.all("th", "td")] for row in table.all("tr")]
        raise AssertionError(f"no table '{caption}'")


#: Run in a copy of the page: what is shown, as text in the document's end. The product's page has no script.
MEASURE = """<script>
const boxes = [...document.querySelectorAll('svg')].map(svg => svg.getBoundingClientRect());
const root = document.documentElement;
const words = [root.scrollWidth, root.clientWidth, ...boxes.map(box => `${box.width}x${box.height}`)];
const told = document.createElement('pre');
told.id = 'measured';
told.textContent = words.join(' ');
document.body.append(told);
</script>"""


@dataclass
class Shown:
    """What a browser makes of a page."""

    wide: int  #: pixels that the page takes
    room: int  #: pixels that there are
    pictures: list[tuple[float, float]]


class Browser:
    """Chromium without a screen, with a profile of its own in `folder`."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which("chromium")
        if not found:
            raise AssertionError("chromium is missing: apt-get install -y --no-install-recommends chromium")
        self.words = [found, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                      "--no-first-run", "--disable-extensions", "--disable-background-networking",
                      "--hide-scrollbars", "--enable-logging=stderr", "--log-level=0", "--window-size=1280,900",
                      f"--user-data-dir={folder / 'profile'}"]  # fmt: skip

    def open(self, page: Path) -> tuple[str, list[str]]:
        """The document that came of a page, and what was written to its console."""
        command = [*self.words, "--virtual-time-budget=5000", "--dump-dom", page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0 and "</html>" in done.stdout, f"chromium: {done.returncode}\n{done.stderr}"
        return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]

    def show(self, page: Path, width: int) -> Shown:
        """The page in a frame of this width (a window itself can't be as narrow as a phone)."""
        inner, outer = page.parent / f"measured-{width}.html", page.parent / f"frame-{width}.html"
        text = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", page.read_text(encoding="utf-8"))
        # A frame of another file may not be looked into: it speaks for itself.
        tell = "parent.postMessage(document.getElementById('measured').textContent, '*')"
        inner.write_text(text.replace("</body>", f"{MEASURE}<script>{tell}</script></body>"), encoding="utf-8")
        hear = "onmessage = event => { document.getElementById('heard').textContent = event.data; }"
        outer.write_text(
            f"<!DOCTYPE html><html><body><pre id='heard'></pre><script>{hear}</script>"
            f"<iframe src='{inner.name}' style='width:{width}px;height:800px;border:0'></iframe></body></html>",
            encoding="utf-8",
        )
        document, _ = self.open(outer)
        heard = re.search(r'<pre id="heard">([^<]+)</pre>', document)
        assert heard, f"the page said nothing of its size: {document}"
        wide, room, *sizes = heard[1].split()
        pairs = [size.split("x") for size in sizes]
        return Shown(int(wide), int(room), [(float(width), float(height)) for width, height in pairs])
