"""The reference of sweeps itself: its Llama against known streams, its bounds against runs that are off."""

from __future__ import annotations

import unittest
from pathlib import Path

import h5py
import numpy as np
from orrery_program import ProgramTest
from reference.expected import Array, Expected, complaint
from reference.llama import Ablation, Llama, Replacement, log_softmax
from reference.sweep import Options, Sweep
from reference.sweep_files import sweep_complaints, type_of
from safetensors_file import read_tensors
from tiny_models import IN_DOUBLE, tiny, write_calm_model, write_corpus
from trace_file import datasets

LLAMAS = ("llama-mha", "llama-gqa", "llama31", "llama-bias")
#: Two implementations in double precision agree to 1e-14 (README of the models).
CLOSE = 1e-12
RANDOM = np.random.default_rng(6)
#: What float32 loses.
FEW = 1e-6


class Forward(unittest.TestCase):
    """The streams of the shared models."""

    def assert_close(self, found: Array, expected: Array, what: str) -> None:
        """Each vector along the last axis to within CLOSE of its length."""
        self.assertEqual(found.shape, expected.shape, what)
        distance = np.linalg.norm(found - expected, axis=-1) / np.linalg.norm(expected, axis=-1)
        self.assertLess(distance.max(), CLOSE, what)

    def test_known_streams(self) -> None:
        for name in LLAMAS:
            model, known = Llama.of_folder(tiny(name)), read_tensors(tiny(name) / "expected.safetensors")
            for prompt in range(5):
                run = model.run(known[f"ids.{prompt}"])
                self.assert_close(run.residual, known[f"residual.{prompt}"], f"{name}, prompt {prompt}")
                self.assert_close(run.logits, known[f"logits.{prompt}"], f"{name}, logits of {prompt}")

    def test_known_perturbations(self) -> None:
        for name in LLAMAS:
            model, known = Llama.of_folder(tiny(name)), read_tensors(tiny(name) / "expected.safetensors")
            for k in range(4):
                prompt, layer = (int(known[f"perturbed.{k}.{what}"][0]) for what in ("prompt", "layer"))
                run = model.run(known[f"ids.{prompt}"], Replacement(layer, known[f"perturbed.{k}.replacement"]))
                what = f"{name}, perturbation {k}"
                self.assert_close(run.residual[-1, 2 * layer :], known[f"perturbed.{k}.residual"], what)
                self.assert_close(run.logits, known[f"perturbed.{k}.logits"], what)
                plain = model.run(known[f"ids.{prompt}"])
                np.testing.assert_array_equal(run.residual[:-1], plain.residual[:-1], what)

    def test_a_stream_in_its_own_place_changes_nothing(self) -> None:
        model, known = Llama.of_folder(tiny("llama31")), read_tensors(tiny("llama31") / "expected.safetensors")
        plain = model.run(known["ids.3"])
        for layer in range(model.layers):
            again = model.run(known["ids.3"], Replacement(layer, plain.residual[-1, 2 * layer]))
            np.testing.assert_array_equal(again.residual, plain.residual)
            np.testing.assert_array_equal(again.logits, plain.logits)

    def test_parts(self) -> None:
        """What the parts put out adds up to the stream; without a part, what it puts out is missing there."""
        for name in LLAMAS:
            model, known = Llama.of_folder(tiny(name)), read_tensors(tiny(name) / "expected.safetensors")
            plain = model.run(known["ids.3"])
            last = plain.residual[-1]
            for layer in range(model.layers):
                weight = model.weights[f"model.layers.{layer}.self_attn.o_proj.weight"]
                bias = model.weights.get(f"model.layers.{layer}.self_attn.o_proj.bias", 0.0)
                step = plain.mix[layer].reshape(-1) @ weight.T + bias
                np.testing.assert_allclose(last[2 * layer + 1] - last[2 * layer], step, atol=1e-12)
                np.testing.assert_allclose(last[2 * layer + 2] - last[2 * layer + 1], plain.mlp[layer], atol=1e-12)
                for head in (*range(model.heads), None):
                    run = model.run(known["ids.3"], ablated=Ablation(layer, head, 0.0))
                    np.testing.assert_array_equal(run.residual[:-1], plain.residual[:-1])
                    before = 2 * layer + (1 if head is None else 0)
                    np.testing.assert_array_equal(run.residual[-1, : before + 1], last[: before + 1])
                    gone = last[before + 1] - run.residual[-1, before + 1]
                    if head is None:
                        np.testing.assert_allclose(gone, plain.mlp[layer], atol=1e-12)
                    else:
                        columns = weight[:, head * model.head_dim : (head + 1) * model.head_dim]
                        np.testing.assert_allclose(gone, columns @ plain.mix[layer, head], atol=1e-12)
                    self.assertGreater(np.abs(run.logits - plain.logits).max(), 1e-6)

    def test_a_part_in_its_own_place_changes_nothing(self) -> None:
        model, known = Llama.of_folder(tiny("llama-gqa")), read_tensors(tiny("llama-gqa") / "expected.safetensors")
        plain = model.run(known["ids.2"])
        for ablation in (Ablation(1, 3, plain.mix[1, 3]), Ablation(2, None, plain.mlp[2])):
            np.testing.assert_array_equal(model.run(known["ids.2"], ablated=ablation).logits, plain.logits)

    def test_log_softmax(self) -> None:
        np.testing.assert_allclose(np.exp(log_softmax(np.log([1.0, 2.0, 5.0]) + 900)), [0.125, 0.25, 0.625])

    def test_logit_error(self) -> None:
        """Streams that are off by a part of their length move logits by less than that."""
        model, known = Llama.of_folder(tiny("llama31")), read_tensors(tiny("llama31") / "expected.safetensors")
        x, random = known["residual.3"][-1, -1], np.random.default_rng(1)
        plain = model.norm("model.norm", x) @ model.head.T
        for _ in range(50):
            off = random.standard_normal(len(x))
            off *= 1e-6 * np.linalg.norm(x) / np.linalg.norm(off)
            moved = np.abs(model.norm("model.norm", x + off) @ model.head.T - plain).max()
            self.assertLess(moved, model.logit_error(1e-6))
            self.assertGreater(moved, model.logit_error(1e-6) / 1000)


class Whole(ProgramTest):
    """On a trace of the program's."""

    def setUp(self) -> None:
        super().setUp()
        self.corpus = write_corpus(self.folder / "corpus.txt", 12)

    def sweep(self, folder: Path, options: Options, *words: str) -> Sweep:
        path = self.trace(folder, self.corpus, "--min-chars", "0", *IN_DOUBLE, *words, out=f"{folder.name}.h5")
        return Sweep(datasets(path), Llama.of_folder(folder), options)

    def small(self, **more: object) -> Options:
        kinds = ("teleport", "noise", "ablate")
        fixed = {"grid": 2, "epsilon": (0.05, 1.0), "directions": 2, "pc_directions": 1, "prompts": (1, 4)}
        return Options(**{"kinds": kinds, "state_prompts": (4,), **fixed, **more})

    def test_unperturbed_runs_are_the_trace(self) -> None:
        for name, tokens in (("llama31", "last"), ("llama-gqa", "random"), ("llama-bias", "last")):
            sweep = self.sweep(tiny(name), Options(kinds=()), "--tokens", tokens)
            self.assertEqual(sweep.prompts, list(range(8)))
            rows = sweep.found["residual/last_token"][:8]
            distance = np.linalg.norm(sweep.base.stream - rows, axis=2) / np.linalg.norm(rows, axis=2)
            self.assertLess(distance.max(), 1e-11, name)
            scores = Expected(sweep.pooled.scores(rows, 8), FEW * np.abs(sweep.pooled.score_range).max())
            self.assertEqual(complaint("score", sweep.found["pooled/score"][:8, :, :8], scores), "")

    def test_no_noise(self) -> None:
        found = self.sweep(tiny("llama31"), self.small(kinds=("noise",), epsilon=(0.0, 0.1))).numbers
        self.assertEqual(np.nanmax(found["noise/distance"].value[:, :, 0]), 0)
        self.assertEqual(np.abs(found["noise/kl"].value[:, :, 0]).max(), 0)
        self.assertEqual(found["noise/top1"].value[:, :, 0].min(), 1)
        self.assertTrue(np.isnan(found["recovery/ratio"].value[:, 0]).all())
        self.assertTrue(np.isnan(found["recovery/noise_half_life"].value[:, :, 0]).all())
        self.assertGreater(np.nanmin(found["noise/distance"].value[:, :, 1]), 0)

    def test_what_comes_before_is_not_there(self) -> None:
        sweep = self.sweep(tiny("llama-gqa"), self.small())
        found = {name: one.value for name, one in sweep.numbers.items()}
        for m, layer in enumerate(sweep.layers):
            of_start = [found[name][:, m] for name in ("teleport/distance", "teleport/score", "noise/distance")]
            for values in [np.moveaxis(of_start[1], -2, -1)[..., 0, :], of_start[0], of_start[2]]:
                self.assertTrue(np.isnan(values[..., : 2 * layer]).all())
                self.assertFalse(np.isnan(values[..., 2 * layer :]).any())
            self.assertEqual(np.nanmax(found["ablation/distance"][:, m, :, 2 * layer]), 0)
            np.testing.assert_allclose(
                found["teleport/distance"][:, m, :, 2 * layer],
                found["control/random_direction/distance"][:, m, :, 2 * layer],
            )
            # Components in the file are rounded to single precision.
            span = np.abs(found["teleport/grid"]).max() + np.abs(sweep.pooled.mean).max()
            at_start = found["teleport/score"][:, m, :, 2 * layer, :2]
            self.assertLess(np.abs(at_start - found["teleport/grid"]).max(), FEW * span)

    def test_calm_model(self) -> None:
        """Some of its perturbations halve, some never do."""
        sweep = self.sweep(write_calm_model(self.folder / "calm"), self.small(grid=3, mode="shift"))
        found = sweep.numbers
        for name in ("recovery/half_life", "recovery/noise_half_life", "control/random_direction/half_life"):
            share = np.isfinite(found[name].value).mean()
            self.assertTrue(0.1 < share < 0.9, f"{name}: {share}")
            self.assertTrue(np.isfinite(found[name].bound).all())

    def test_bounds(self) -> None:
        """A model with other roundings passes, one that is off in the eighth digit does not."""
        for folder in (write_calm_model(self.folder / "calm"), tiny("llama31")):
            options = self.small(mode="shift", range="layer", ablate="mean")
            plain = self.sweep(folder, options)
            for size, passes in ((1e-14, True), (1e-8, False)):
                model = Llama.of_folder(folder)
                for values in model.weights.values():
                    values *= 1 + size * RANDOM.uniform(-1, 1, values.shape)
                wrong = self.complaints_of(Sweep(plain.found, model, options), plain)
                if passes:
                    self.assertEqual(wrong, [])
                else:
                    names = {line.split("[")[0] for line in wrong}
                    for name in ("teleport/kl", "recovery/ratio", "recovery/exponent", "summary/kl",
                                 "summary/ratio_end_se", "ablation/velocity_mean", "states/noise"):  # fmt: skip
                        self.assertIn(name, names)

    def complaints_of(self, other: Sweep, plain: Sweep) -> list[str]:
        path = write_sweep(self.folder / "sweep.h5", other)
        return sweep_complaints(path, plain)

    def test_what_is_said(self) -> None:
        """A file of the reference's own numbers is right; each dataset that is changed, gone or unknown is named."""
        sweep = self.sweep(tiny("llama31"), self.small())
        self.assertEqual(self.complaints_of(sweep, sweep), [])
        path = self.folder / "sweep.h5"
        for name in datasets(path):
            with self.subTest(name), h5py.File(path, "r+") as file:
                values = file[name][()]
                changed = values.copy()
                at = (-1,) * values.ndim
                changed[at] = b"another" if values.dtype == object else 7 * np.nan_to_num(values[at], posinf=0) + 3
                if name not in ("point", "step", "unit", "component"):
                    file[name][...] = changed
                    file.flush()
                    wrong = sweep_complaints(path, sweep)
                    self.assertEqual(len(wrong), 1, wrong)
                    self.assertIn(name, wrong[0])
                    file[name][...] = values


def write_sweep(path: Path, sweep: Sweep) -> Path:
    """A file of the reference's numbers."""
    with h5py.File(path, "w") as file:
        for name, one in sweep.numbers.items():
            with np.errstate(invalid="ignore"):
                file[name] = one.value.astype(type_of(name, "float64"))
        file["points/kind"] = [*(["pre_attention", "pre_mlp"] * sweep.model.layers), "final"]
        for name, values in sweep.scales().items():
            kind = {"prompt": "i8", "state_prompt": "i8", "epsilon": "f8"}.get(name, "i4")
            text = isinstance(values, list) and isinstance(values[0], str)
            file[name] = np.zeros(values) if isinstance(values, int) else values if text else np.array(values, kind)
        facts = {"format": "orrery-sweep", "format_version": 1, "complete": 1, "mode": sweep.options.mode}
        file.attrs.update({**facts, "range": sweep.options.range, "ablate": sweep.options.ablate})
    return path


if __name__ == "__main__":
    unittest.main()
