"""`orrery verify FILE` of a sweep: sound ones pass, and every check that it makes is seen to fail."""

from __future__ import annotations

import unittest
from pathlib import Path

import h5py
import numpy as np
from checksums import refresh
from damage import Damage, VerifyTest, add, describe, put, reshape, root, subjects, times
from made_up_sweep import KINDS, make


def forget(name: str) -> Damage:
    return lambda file: file.__delitem__(name)


#: What fails, and what is done to the numbers of a sound sweep of everything whose checksums are made right again.
DAMAGES: list[tuple[str, Damage]] = [
    ("complete", root("complete", np.int64(0))),
    ("sizes", root("mode", "plan")),
    ("sizes", lambda file: file.attrs.__delitem__("ablate")),
    ("sizes", put("start_layer", 1, 5)),
    ("/noise/kl", forget("noise/kl")),
    ("/teleport/distance", reshape("teleport/distance")),
    ("/recovery/halved", describe("recovery/halved", "units")),
    ("/ablation/top1", root("not_computed", "/ablation/top1: why not")),
    ("finite", put("teleport/kl", (0, 1, 2), np.nan)),
    ("finite", put("recovery/ratio", (0, 1, 0, 3), np.inf)),
    ("finite", put("states/baseline", (0, 1, 2), -np.inf)),
    ("coordinates", lambda file: file["case"].__setitem__(2, "noise 0.02")),
    ("coordinates", put("grid_point", 1, 3)),
    ("coordinates", lambda file: file["part"].__setitem__(4, "head_4")),
    ("points", put("points/layer", 1, 3)),
    ("prompts", put("prompt", 1, 2)),
    ("start layers", put("start_layer", 1, 0)),
    ("ranges", put("prompts/length", 1, 0)),
    ("ranges", put("noise/kl", (1, 1, 0, 2), -1e-8)),
    ("ranges", put("teleport/top1", (1, 1, 2), 2)),
    ("ranges", put("control/random_direction/cosine", (2, 1, 3, 7), 1.0001)),
    ("ranges", put("ablation/cosine", (1, 0, 2, 5), -2.1)),
    ("ranges", put("recovery/noise_half_life", (1, 1, 0, 2), -np.inf)),
    ("NaN before the start", put("teleport/distance", (0, 1, 2, 5), 0)),
    ("NaN before the start", put("teleport/distance", (0, 1, 2, 6), np.nan)),
    ("NaN before the start", put("noise/cosine", (2, 1, 0, 1, 5), 0.5)),
    ("NaN before the start", put("recovery/exponent", (2, 1, 1, 5), 0.5)),
    ("NaN before the start", put("recovery/inward_fraction", (2, 1, 1, 6), np.nan)),
    ("NaN before the start", put("ablation/velocity", (0, 0, 2, 1), 0)),
    ("NaN before the start", put("ablation/norm_mean", (0, 3, 2), np.nan)),
    ("NaN before the start", put("states/noise", (0, 1, 1, 2, 0, 4), 0.25)),
    ("NaN before the start", put("states/teleport", (0, 1, 2, 1, 4), np.nan)),
    ("scores within the rank", put("baseline/score", (1, 4, 2), np.nan)),
    ("scores within the rank", put("teleport/score", (1, 1, 2, 8, 0), np.nan)),
    ("teleports begin on the grid", times("teleport/grid", (2, 1), 1 + 1e-5)),
    ("teleports begin on the grid", add("teleport/score", (2, 1, 3, 6, 0), 1e-5)),
    ("the rest of teleports at the start", add("teleport/score", (2, 1, 3, 6, 2), 1e-5)),
    ("inward shares of teleports", add("recovery/inward_fraction", (1, 0, 1, 7), 0.25)),
    ("length of the noise", times("noise/distance", (1, 1, 0, 2, 6), 1 + 1e-3)),
    ("length of the control", times("control/random_direction/distance", (1, 0, 2, 0), 1 + 1e-5)),
    ("half-lives", times("recovery/half_life", (0, 0, 1), 1 + 1e-3)),
    ("half-lives", put("recovery/noise_half_life", (2, 0, 0, 1), np.nan)),
    ("half-lives", put("control/random_direction/half_life", (2, 0, 1), 0.5)),
    ("recovery 1 at the start", put("recovery/ratio", (2, 1, 1, 6), 1 + 1e-9)),
    ("recovery of paths", times("recovery/ratio", (1, 1, 0, 8), 1 + 1e-6)),
    ("recovery of paths", times("recovery/relative_distance", (1, 3, 1, 6), 1 + 1e-6)),
    ("recovery of paths", times("recovery/spread_distance", (2, 2, 0, 4), 1 + 1e-6)),
    ("recovery of paths", times("points/spread", 4, 1 + 1e-6)),
    ("recovery of paths", add("recovery/cosine", (2, 0, 0, 4), 1e-6)),
    ("recovery of paths", add("recovery/exponent", (0, 2, 0, 4), 1e-6)),
    ("recovery of paths", put("recovery/exponent", (0, 2, 0, 4), np.nan)),
    ("shares halved", add("recovery/halved", (0, 3, 1), 1e-9)),
    ("median half-lives", add("recovery/half_life_median", (0, 1, 0), 1e-9)),
    ("recovery of outputs", times("recovery/kl", (0, 1, 0), 1 + 1e-12)),
    ("recovery of outputs", add("recovery/top1", (0, 3, 0), 1e-12)),
    ("recovery of outputs", times("noise/kl", (1, 1, 1, 2), 1 + 1e-9)),
    ("summary means", times("summary/ratio_end", (1, 0), 1 + 1e-12)),
    ("summary means", times("summary/spread_distance_start", (3, 1), 1 + 1e-12)),
    ("summary means", add("summary/inward_fraction", (3, 1), 1e-12)),
    ("summary standard errors", times("summary/exponent_se", (0, 1), 1 + 1e-9)),
    ("summary standard errors", put("summary/top1_se", (2, 1), np.nan)),
    ("summary half-lives", add("summary/half_life_median", (1, 0), 1e-9)),
    ("ablation means", times("ablation/kl_mean", (0, 2), 1 + 1e-12)),
    ("ablation means", add("ablation/velocity_mean", (0, 2, 4), 1e-6)),
    ("ablation means", times("ablation/norm", (1, 0, 3, 4), 1.1)),
    ("ablation lengths", times("ablation/distance", (1, 0, 3, 4), 0.01)),
    ("lengths of stored streams", times("baseline/norm", (2, 10), 1 + 1e-6)),
    ("lengths of stored streams", add("states/baseline", (0, 0, 3), 1e-3)),
    ("distances of stored streams", add("states/teleport", (0, 0, 3, 1, 2), 1e-3)),
    ("distances of stored streams", add("states/random_direction", (0, 1, 1, 1, 2), 1e-3)),
    ("distances of stored streams", add("states/noise", (0, 1, 1, 2, 1, 2), 1e-3)),
]  # fmt: skip


class Sweeps(VerifyTest):
    def check(self, path: Path, damages: list[tuple[str, Damage]]) -> set[str]:
        """Does each damage to a sound file, and returns what was seen to fail."""
        seen = {"checksums"}  # of which a failing one is called "checksum"
        for place, (subject, damage) in enumerate(damages):
            with self.subTest(subject=subject, place=place):
                other = self.damaged(path, damage)
                refresh(other)
                failed = self.assert_damaged(other)
                self.assertIn(subject, failed)
                self.assertNotIn("checksum", failed)
                seen |= {"contents"} if subject.startswith("/") else {subject}
        return seen

    def test_sound(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                self.assert_sound(make(self.folder / f"{kind}.h5", kind))

    def test_each_check_fails(self) -> None:
        path = make(self.folder / "sweep.h5", "sweep")
        made = subjects(self.assert_sound(path), "ok")
        self.assertEqual(made - self.check(path, DAMAGES), set(), "checks that nothing fails")

    def test_other_choices(self) -> None:
        """Shifts within each layer's range; noise of length 0, which has no half-life, of one prompt."""
        shift = make(self.folder / "shift.h5", "shift")
        self.check(shift, [
            ("sizes", root("range", "pool")),
            ("/teleport/grid", root("range", "pooled")),
            ("the rest of teleports at the start", root("mode", "plane")),
            ("teleports begin on the grid", times("teleport/grid", (1, 2, 1), 1 + 1e-5)),
            ("the rest of teleports at the start", add("teleport/score", (2, 1, 3, 6, 2), 1e-5)),
            ("/noise/kl", root("not_computed", "")),
        ])  # fmt: skip
        noise = make(self.folder / "noise.h5", "noise")
        with h5py.File(noise) as file:
            self.assertTrue(np.isnan(file["recovery/noise_half_life"][0, :, 0]).all())
            self.assertTrue(np.isnan(file["summary/kl_se"][()]).all())
        self.check(noise, [
            ("half-lives", put("recovery/noise_half_life", (0, 0, 0, 1), 2.0)),
            ("recovery of paths", put("recovery/ratio", (0, 0, 0, 4), 0.0)),
            ("shares halved", put("recovery/halved", (0, 0, 0), 0.0)),
            ("summary means", put("summary/halved", (0, 0), 0.0)),
            ("summary standard errors", put("summary/kl_se", (0, 0), 0.0)),
        ])  # fmt: skip

    def test_without_the_checksum(self) -> None:
        path = make(self.folder / "sweep.h5", "sweep")
        for damage in (
            times("teleport/score", (1, 1, 2, 9, 1), 1 + 1e-6),
            lambda file: file["recovery/half_life"].attrs.modify("infinite_where", "never"),
        ):
            self.assertEqual(self.assert_damaged(self.damaged(path, damage)), {"checksum"})
        self.assert_sound(self.damaged(path, lambda file: file["timing"].attrs.create("peak_bytes", 1)))


if __name__ == "__main__":
    unittest.main()
