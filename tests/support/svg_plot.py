"""What an SVG of gnuplot's shows: the marks of each layer, and where the script says that they belong."""

from __future__ import annotations

import base64
import math
import re
import xml.etree.ElementTree as xml
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
Places = NDArray[np.float64]  #: (n, 2), in pixels


@dataclass
class Axis:
    low: float
    high: float
    is_logarithmic: bool

    def share(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """0 at its lower end, 1 at the upper."""
        if not self.is_logarithmic:
            return (values - self.low) / (self.high - self.low)
        return (np.log(values) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))


@dataclass
class Marks:
    """What is drawn of one layer, in the order of drawing. The sample in the legend is left out."""

    style: str  #: gnuplot's word for it
    panel: int  #: from 1
    x: Axis
    y: Axis
    colours: Axis | None
    palette: list[tuple[float, tuple[int, int, int]]]
    box: tuple[float, float, float, float]  #: left, right, top, bottom of the panel, in pixels
    is_in_space: bool = False
    vertices: list[tuple[float, float]] = field(default_factory=list)  #: of all lines
    pieces: list[Places] = field(default_factory=list)  #: each line
    dots: list[tuple[float, float]] = field(default_factory=list)
    dot_colours: list[tuple[int, int, int]] = field(default_factory=list)
    areas: list[Places] = field(default_factory=list)
    image: tuple[tuple[float, float, float, float], NDArray[np.uint8]] | None = None

    def places(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Places:
        """Where points in axis coordinates belong, in pixels."""
        left, right, top, bottom = self.box
        return np.stack([left + self.x.share(x) * (right - left), bottom + self.y.share(y) * (top - bottom)], axis=-1)

    def colour(self, value: float) -> NDArray[np.float64]:
        """Red, green and blue that the palette has for a value."""
        assert self.colours is not None
        share = float(np.clip(self.colours.share(np.float64(value)), 0, 1))
        places = [place for place, _ in self.palette]
        return np.array([np.interp(share, places, [rgb[i] for _, rgb in self.palette]) for i in range(3)])


def png_pixels(data: bytes) -> NDArray[np.uint8]:
    """(rows, columns, 3 or 4): what gnuplot's PNGs hold, 8 bits a channel, without filters but of the line before."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    packed, place, shape = b"", 8, (0, 0, 0)
    while place < len(data):
        size, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        chunk = data[place + 8 : place + 8 + size]
        if kind == b"IHDR":
            assert chunk[8] == 8 and chunk[9] in (2, 6), chunk
            shape = (int.from_bytes(chunk[4:8], "big"), int.from_bytes(chunk[:4], "big"), 3 if chunk[9] == 2 else 4)
        if kind == b"IDAT":
            packed += chunk
        place += 12 + size
    rows, columns, channels = shape
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(rows, 1 + columns * channels)
    pixels = np.zeros((rows, columns * channels), np.int64)
    for row, line in enumerate(lines.astype(np.int64)):
        above = pixels[row - 1] if row else np.zeros(columns * channels, np.int64)
        for i, byte in enumerate(line[1:]):
            left = pixels[row, i - channels] if i >= channels else 0
            corner = above[i - channels] if i >= channels else 0
            guess = left + above[i] - corner
            nearest = min((abs(guess - one), order, one) for order, one in enumerate((left, above[i], corner)))[2]
            add = (0, left, above[i], (left + above[i]) // 2, nearest)[line[0]]
            pixels[row, i] = (byte + add) % 256
    return pixels.reshape(shape).astype(np.uint8)


def palette_in(line: str) -> list[tuple[float, tuple[int, int, int]]]:
    found = re.findall(r"([\d.]+) '#(..)(..)(..)'", line)
    return [(float(place), (int(red, 16), int(green, 16), int(blue, 16))) for place, red, green, blue in found]


def expected_marks(script: str, width: float, height: float) -> list[Marks]:
    """The layers that a script draws, with nothing drawn of them."""
    state: dict[str, str] = {}
    logarithmic: set[str] = set()
    palette: list[tuple[float, tuple[int, int, int]]] = []
    marks: list[Marks] = []
    panel = 0
    for line in script.replace("\\\n", " ").splitlines():
        if found := re.fullmatch(r"set ([lrtb]margin) at screen (\S+)", line):
            state[found[1]] = found[2]
        if found := re.fullmatch(r"set (x|y|z|cb)range \[(\S+):(\S+)\]", line):
            state[found[1]] = f"{found[2]} {found[3]}"
        if found := re.fullmatch(r"(set|unset) logscale (x|y|z|cb)", line):
            (logarithmic.add if found[1] == "set" else logarithmic.discard)(found[2])
        if line.startswith("set palette defined"):
            palette = palette_in(line)
        if not line.startswith(("plot ", "splot ")):
            continue
        panel += 1

        def axis(name: str) -> Axis:
            low, high = map(float, state[name].split())
            return Axis(low, high, name in logarithmic)

        box = (float(state["lmargin"]) * width, float(state["rmargin"]) * width,
               (1 - float(state["tmargin"])) * height, (1 - float(state["bmargin"])) * height)  # fmt: skip
        for style in re.findall(r"index \d+ using \S+ with (\w+)", line):
            marks.append(Marks(style, panel, axis("x"), axis("y"), axis("cb") if "cb" in state else None, palette, box,
                               is_in_space=line.startswith("splot")))  # fmt: skip
    return marks


def rgb_in(text: str) -> tuple[int, int, int]:
    red, green, blue = re.findall(r"\d+", text)[:3]
    return int(red), int(green), int(blue)


def read_group(group: xml.Element, marks: Marks) -> None:
    is_named = next(group.iter(f"{SVG}text"), None) is not None
    for element in group.iter():
        if element.tag == f"{SVG}path":
            for piece in re.findall(r"M[^M]*", element.get("d") or ""):
                numbers = np.array([float(word) for word in re.findall(r"-?[\d.]+", piece)]).reshape(-1, 2)
                marks.pieces.append(numbers)
        if element.tag == f"{SVG}use":
            place = re.search(r"translate\(([-\d.]+),([-\d.]+)\)", element.get("transform") or "")
            assert place
            marks.dots.append((float(place[1]), float(place[2])))
            marks.dot_colours.append(rgb_in(element.get("color") or ""))
        if element.tag == f"{SVG}polygon":
            numbers = np.array([float(word) for word in re.findall(r"-?[\d.]+", element.get("points") or "")])
            marks.areas.append(numbers.reshape(-1, 2))
        if element.tag == f"{SVG}image":
            place = tuple(float(element.get(name) or "nan") for name in ("x", "y", "width", "height"))
            data = (element.get(LINK) or "").removeprefix("data:image/png;base64,")
            marks.image = (place, png_pixels(base64.b64decode(data)))  # type: ignore[assignment]
    if is_named:
        # The sample in the legend: a line's comes first, a dot's last.
        for samples in (marks.pieces, marks.areas):
            if samples:
                samples.pop(0)
        if marks.dots:
            marks.dots.pop()
            marks.dot_colours.pop()
    marks.vertices = [(float(x), float(y)) for piece in marks.pieces for x, y in piece]


def read_picture(folder: Path, name: str) -> list[Marks]:
    """The layers of NAME.svg in their order."""
    tree = xml.parse(folder / f"{name}.svg").getroot()
    width, height = map(float, (tree.get("viewBox") or "").split()[2:])
    marks = expected_marks((folder / f"{name}.gp").read_text(), width, height)
    groups = [g for g in tree.iter(f"{SVG}g") if re.fullmatch(r"gnuplot_plot_\d+[a-z]*", g.get("id") or "")]
    assert len(groups) == len(marks), f"{name}: {len(groups)} layers are drawn, not {len(marks)}"
    for group, one in zip(groups, marks, strict=True):
        read_group(group, one)
    return marks
