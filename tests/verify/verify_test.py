"""`orrery verify FILE` finds damage: every check that it makes is seen to fail."""

from __future__ import annotations

import unittest

import h5py
import numpy as np
from checksums import checksums, refresh, xxh64
from damage import Damage, VerifyTest, add, both, describe, put, reshape, reverse, root, subjects, times
from made_up_trace import KINDS, make
from orrery_program import memory_limit, run, shared_data

MIB = 2**20

#: What fails, and what is done to the numbers of a sound file whose checksums are made right again.
DAMAGES: list[tuple[str, Damage]] = [
    ("complete", root("complete", np.int64(0))),
    ("sizes", root("rows", np.int64(7))),
    ("sizes", lambda file: file.attrs.__delitem__("moments")),
    ("/pca/rank", lambda file: file.__delitem__("pca/rank")),
    ("/rotation/turns", reshape("rotation/turns")),
    ("/pooled/mean", lambda file: file.move("pooled/mean", "pooled/centre")),
    ("/density/abs_mean", describe("density/abs_mean", "long_name")),
    ("/density/abs_std", describe("density/abs_std", "units")),
    ("/geometry/straightness", root("not_computed", "/geometry/straightness: why not")),
    ("finite", put("trajectory/mean", (2, 3), np.nan)),
    ("finite", put("continuity/unit_correlation", (1, 1), np.inf)),
    ("finite", put("pooled/score", (1, 2, 0), -np.inf)),
    ("coordinates", put("share", 2, 85)),
    ("points", put("points/layer", 1, 3)),
    ("points", lambda file: file["points/kind"].__setitem__(0, "final")),
    ("points", root("layers", 4)),
    ("token offsets", add("samples/length", 2, 1)),
    ("token offsets", add("samples/token_offset", 0, 1)),
    ("token offsets", put("samples/token", 3, -1)),
    ("token offsets", put("samples/position", 0, 99)),
    ("lines of the corpus", put("samples/row", 1, 0)),
    ("lines of the corpus", put("samples/characters", 1, 0)),
    ("ranges", put("rotation/turns", 4, 4.5)),
    ("ranges", put("geometry/straightness", 2, 0.5)),
    ("ranges", put("density/active_mean", 2, 1.01)),
    ("ranges", put("continuity/cosine_std", 2, -0.01)),
    ("ranges", put("control/sample_permuted/correlation", (2, 1), -1.1)),
    ("mean of the rows", add("residual/last_token", (1, 2, 3), 1e-3)),
    ("mean of the rows", add("trajectory/mean", (2, 3), 1e-9)),
    ("correlation symmetric", add("continuity/correlation", (2, 5), 1e-9)),
    ("correlation diagonal", put("continuity/correlation", (4, 4), 0.999999)),
    ("correlation units", add("continuity/correlation_units", (1, 4), -1)),
    ("mean of unit correlations", times("continuity/unit_correlation", (1, 1), 0.999)),
    ("mean of mutual information", times("continuity/mutual_information", (1, 1), 1.001)),
    ("mean of mutual information", put("continuity/mutual_information", (1, 1), np.nan)),
    ("acceleration", times("continuity/acceleration", 3, 1 + 1e-9)),
    ("p-values", add("rotation/p_more", 1, 0.01)),
    ("p-values", both(put("rotation/p_more_step", 1, 0.1), put("rotation/p_fewer_step", 1, 0.1))),
    ("mean turns of the nulls", put("rotation/null_sign_mean", 2, -0.95)),
    ("eigenvalues descending", reverse("pca/eigenvalue")),
    ("rank", add("pca/rank", 2, -1)),
    ("sum of eigenvalues = total variance", times("pca/eigenvalue", (3, 0), 1 + 1e-9)),
    ("total variance = sum of variances", times("trajectory/variance", (3, 0), 1 + 1e-9)),
    ("participation ratio of the eigenvalues", times("pca/participation_ratio", 1, 1 + 1e-9)),
    ("corrected participation ratio", times("pca/participation_ratio_corrected", 1, 1 + 1e-6)),
    ("effective rank of the eigenvalues", times("pca/effective_rank", 1, 1 + 1e-9)),
    ("share of the top unit", times("pca/top_unit_share", 1, 1 - 1e-9)),
    ("components for a share of the variance", add("pca/components_for", (0, 1), 1)),
    ("components orthonormal", times("pca/component", (1, 0), 1.0001)),
    ("components signs", times("pca/component", (1, 1), -1)),
    ("components within the rank", put("pca/component", (1, 2, 0), np.nan)),
    ("pooled mean", add("pooled/mean", 1, 1e-9)),
    ("pooled variance", times("pooled/eigenvalue", 1, 1 + 1e-9)),
    ("pooled eigenvalues descending", reverse("pooled/eigenvalue")),
    ("pooled components orthonormal", times("pooled/component", 0, 1.0001)),
    ("pooled components signs", times("pooled/component", 1, -1)),
    ("pooled components within the rank", put("pooled/component", (2, 0), np.nan)),
    ("covariance of the scores", times("pooled/score", (..., 0), 1.001)),
    ("mean scores", add("pooled/mean_score", (1, 1), 1e-5)),
    ("range of the scores", times("pooled/score_range", (1, 2, 1), 1.001)),
    ("principal angles", reverse("geometry/principal_angle")),
    ("principal angles", put("geometry/principal_angle", (1, 2), np.nan)),
    ("flow eigenvalues descending", reverse("geometry/flow_eigenvalue")),
    ("flow eigenvalues in pairs", add("geometry/flow_eigenvalue", (1, 2, 1), 1e-9)),
    ("flow explained", put("geometry/flow_persistence", 1, 0.95)),
    ("layers permuted", reverse("control/layer_permuted/point")),
    ("correlation of permuted layers", add("control/layer_permuted/correlation", (1, 2), 1e-9)),
    ("lengths in a random basis", times("control/random_basis/velocity_mean", 1, 1.001)),
    ("headline", lambda file: file["headline"].attrs.modify("velocity_last", 0.25)),
    ("headline", lambda file: file["headline"].attrs.__delitem__("cosine_first")),
]


class Traces(VerifyTest):
    """What `orrery trace` writes is sound."""

    def setUp(self) -> None:
        super().setUp()
        self.model = shared_data("models/llama31")

    def test_tiny_llamas(self) -> None:
        text = self.model / "corpus.txt"
        for words, ranks in ((["--samples", "1"], 0), (["--samples", "2"], 3), (["--store", "none"], 2),
                             (["--dtype", "float64", "--residual", "float64"], 2)):  # fmt: skip
            with self.subTest(words=words):
                path = self.trace(self.model, text, "--min-chars", "0", "--overwrite", *words, ranks=ranks)
                self.assert_sound(path)
                with h5py.File(path) as file:
                    self.assertEqual(checksums(file), {name: value for name, value in file["checksum"].attrs.items()
                                                       if name not in ("algorithm", "block_bytes")})  # fmt: skip

    def test_checksums_do_not_depend_on_the_ranks(self) -> None:
        text = self.model / "corpus.txt"
        found = []
        for ranks in (0, 2, 4):
            with h5py.File(self.trace(self.model, text, "--min-chars", "0", out=f"{ranks}.h5", ranks=ranks)) as file:
                found.append(dict(file["checksum"].attrs))
        self.assertEqual(found[0], found[1])
        self.assertEqual(found[0], found[2])

    def test_more_rows_than_units(self) -> None:
        lines = shared_data("wikitext-2/wiki.test.raw").read_text(encoding="utf-8").split("\n")
        lines = [line.strip() for line in lines if 60 < len(line.strip()) < 160]
        for rows in (40, 150):
            with self.subTest(rows=rows):
                corpus = self.folder / f"{rows}.txt"
                corpus.write_text("\n".join(lines[:rows]) + "\n", encoding="utf-8")
                self.assert_sound(self.trace(self.model, corpus, "--min-chars", "0", out=f"{rows}.h5", ranks=2))

    def test_every_byte_has_a_checksum(self) -> None:
        path = self.trace(self.model, self.model / "corpus.txt", "--min-chars", "0")
        with h5py.File(path) as file:
            names: list[str] = []
            file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
            names = [name for name in names if file[name].id.get_offset() is not None and "timing" not in name]
        for name in names:
            with self.subTest(dataset=name):
                with h5py.File(path) as file:
                    at = file[name].id.get_offset() + file[name].id.get_storage_size() // 2
                    text = file[name].dtype == object
                if text:  # its characters lie elsewhere
                    continue
                data = bytearray(path.read_bytes())
                data[at] ^= 1
                other = self.folder / "flipped.h5"
                other.write_bytes(data)
                self.assertIn("checksum", self.assert_damaged(other))


class MadeUp(VerifyTest):
    """Files of all datasets whose numbers are made up to hold together."""

    def test_hash(self) -> None:
        self.assertEqual(xxh64(b""), 0xEF46DB3751D8E999)
        self.assertEqual(xxh64(b"Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1)

    def test_sound(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                self.assert_sound(make(self.folder / f"{kind}.h5", kind))

    def test_each_check_fails(self) -> None:
        path = make(self.folder / "rows.h5", "rows")
        made = subjects(self.assert_sound(path), "ok")
        seen = {"checksums"}  # of which a failing one is called "checksum"
        for place, (subject, damage) in enumerate(DAMAGES):
            with self.subTest(subject=subject, place=place):
                other = self.damaged(path, damage)
                refresh(other)
                failed = self.assert_damaged(other)
                self.assertIn(subject, failed)
                self.assertNotIn("checksum", failed)
                seen |= {"contents"} if subject.startswith("/") else {subject}
        self.assertEqual(made - seen, set(), "checks that nothing fails")

    def test_changed_without_the_checksum(self) -> None:
        path = make(self.folder / "rows.h5", "rows")
        for damage in (add("rotation/sample_turns_mean", 3, 1e-12), add("samples/token", 3, 1),
                       lambda file: file["pca/rank"].attrs.modify("long_name", "another"),
                       lambda file: file["headline"].attrs.modify("turns", 10.8),
                       lambda file: file["checksum"].attrs.__delitem__("pca.rank"),
                       lambda file: file["checksum"].attrs.__delitem__("attributes"),
                       lambda file: file.__delitem__("checksum")):  # fmt: skip
            self.assertEqual(self.assert_damaged(self.damaged(path, damage)), {"checksum"})
        self.assert_sound(self.damaged(path, root("hosts", "elsewhere")))
        self.assert_sound(self.damaged(path, add("timing/peak_bytes", 0, 1)))

    def test_without_a_group(self) -> None:
        path = make(self.folder / "rows.h5", "rows")
        other = self.damaged(path, lambda file: file.__delitem__("headline"))
        self.assertIn("headline", self.assert_damaged(other))

    def test_streaming_and_every_token(self) -> None:
        """What such a file must not have, what it must, and what it may be off by."""
        streaming = make(self.folder / "streaming.h5", "streaming")
        every = make(self.folder / "all.h5", "all")
        for path, subject, damage in (
            (streaming, "/residual/last_token", lambda file: file.create_dataset("residual/last_token", data=[1.0])),
            (streaming, "/headline/*_se", root("not_computed", "")),
            (streaming, "total variance = sum of variances", times("trajectory/variance", (3, 0), 1 + 1e-4)),
            (every, "straightness", lambda file: file["geometry"].attrs.__delitem__("straightness_std")),
            (every, "sizes", root("moments", "rows")),
        ):  # fmt: skip
            with self.subTest(subject=subject):
                other = self.damaged(path, damage)
                refresh(other)
                self.assertIn(subject, self.assert_damaged(other))
        other = self.damaged(streaming, times("trajectory/variance", (3, 0), 1 + 1e-7))
        refresh(other)
        self.assert_sound(other)

    def test_memory_is_bounded(self) -> None:
        path = make(self.folder / "rows.h5", "rows")
        least = run("verify", path).peak_bytes
        with h5py.File(path, "r+") as file:
            creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            creation.set_fill_time(h5py.h5d.FILL_TIME_NEVER)  # a hole of a file
            space = h5py.h5s.create_simple((256, MIB // 4))
            h5py.h5d.create(file["residual"].id, b"more", h5py.h5t.IEEE_F64LE, space, dcpl=creation)
        outcome = run("verify", path)
        self.assertIn("/residual/more has 0, not 32", outcome.output)
        self.assertLess(outcome.peak_bytes, least + memory_limit(64 * MIB))
        outcome = self.assert_done(run("verify", path, path, "--tolerance", "0"))
        self.assertLess(outcome.peak_bytes, least + memory_limit(96 * MIB))


if __name__ == "__main__":
    unittest.main()
