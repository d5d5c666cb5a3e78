"""The table of general categories is what its script makes of unicodedata2."""

from __future__ import annotations

import unittest
from pathlib import Path

import category_runs

TABLE = Path(__file__).resolve().parents[2] / "src" / "text" / "category_runs.inc"


class CategoryRuns(unittest.TestCase):
    def test_the_table_is_what_the_script_prints(self) -> None:
        self.assertEqual(TABLE.read_text(encoding="ascii").splitlines(), category_runs.lines())


if __name__ == "__main__":
    unittest.main()
