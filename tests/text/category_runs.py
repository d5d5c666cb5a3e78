"""Prints src/text/category_runs.inc: the general category of every code point, of Unicode 16, from unicodedata2."""

from __future__ import annotations

import itertools

import unicodedata2

#: Of a line of the file, without its quotes.
WIDTH = 100


def runs() -> list[str]:
    """The categories in the order of code points, each with how many in a row have it, where that isn't one."""
    categories = map(unicodedata2.category, map(chr, range(0x110000)))
    counted = [(category, sum(1 for _ in members)) for category, members in itertools.groupby(categories)]
    return [category if count == 1 else f"{category}{count}" for category, count in counted]


def lines() -> list[str]:
    """The file's lines."""
    if unicodedata2.unidata_version != "16.0.0":
        raise SystemExit(f"unicodedata2 is {unicodedata2.unidata_version}, wanted is 16.0.0")
    found = ["// Made by tests/text/category_runs.py: the general categories of Unicode 16, each with the length of its run."]
    line = ""
    for run in runs():
        if len(line) + len(run) > WIDTH:
            found.append(f'"{line}"')
            line = ""
        line += run
    return [*found, f'"{line}"']


if __name__ == "__main__":
    print("\n".join(lines()))
