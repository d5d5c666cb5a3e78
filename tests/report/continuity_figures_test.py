"""Figures of continuity show the file's numbers."""

from __future__ import annotations

import unittest

import numpy as np
from figure_files import FiguresTest, Layer, Numbers

#: Half the distance from 1 to the next greater number.
ROUNDING = 2.0**-53


def known_mean(values: Numbers) -> float:
    return float(np.mean(values[~np.isnan(values)]))


class ContinuityFigures(FiguresTest):
    def numbers(self, name: str) -> Numbers:
        return self.trace_numbers[name].astype(np.float64)

    def setUp(self) -> None:
        super().setUp()
        self.points = len(self.trace_numbers["points/layer"])

    def assert_columns(self, layer: Layer, **columns: Numbers) -> None:
        """Exactly these, as a double is written so that it reads back to the same bits."""
        self.assertEqual(list(layer.columns), list(columns))
        for name, values in columns.items():
            np.testing.assert_array_equal(layer[name], values, err_msg=name)

    def assert_curve(self, layer: Layer, dataset: str) -> None:
        """A dataset over depth, each entry in the middle of the points that it is of."""
        values = self.numbers(dataset)
        of = np.arange(len(values))[:, None] + np.arange(self.points - len(values) + 1)
        self.assert_columns(layer, x=of.mean(axis=1) / 2, y=values)

    def assert_band(self, layer: Layer, mean: str, spread: str, logarithmic: list[Layer] | None = None) -> None:
        """One standard deviation about the mean; on a logarithmic axis, which there is where all of these curves are
        above 0, no lower than the mean where it would end below 0."""
        middle, around = self.numbers(mean), self.numbers(spread)
        low, high = middle - around, middle + around
        if logarithmic is not None and all((curve["y"] > 0).all() for curve in logarithmic):
            low = np.where(low <= 0, middle, low)
        of = np.arange(len(middle))[:, None] + np.arange(self.points - len(middle) + 1)
        np.testing.assert_array_equal(layer["x"], of.mean(axis=1) / 2)
        np.testing.assert_array_equal(layer["high"], high)
        np.testing.assert_allclose(layer["low"], low, rtol=0, atol=2 * ROUNDING * np.abs(high).max())

    def test_correlation(self) -> None:
        """All points but the last; x runs fastest."""
        [layer] = self.data("correlation")
        depth = np.arange(self.points - 1) / 2
        y, x = np.meshgrid(depth, depth, indexing="ij")
        values = self.numbers("continuity/correlation")[:-1, :-1]
        self.assertGreater(np.abs(values - values[0, 0]).max(), 0.1)
        self.assert_columns(layer, x=x.ravel(), y=y.ravel(), value=values.ravel())

    def test_unit_correlation_shares(self) -> None:
        """Within: over the attention of a layer. Across: over its MLP, but of the last."""
        units = self.numbers("continuity/unit_correlation")
        kinds = (units[0:-1:2], units[1:-1:2])
        layers = self.data("unit_correlation", 1)
        for layer, values in zip(layers, kinds, strict=True):
            values = values[~np.isnan(values)]
            bins = np.clip(((values + 1) / (2 / 50)).astype(int), 0, 49)
            shares = np.bincount(bins, minlength=50) / len(values)
            self.assertEqual(list(layer.columns), ["bin_centre", "height"])
            np.testing.assert_array_equal(layer["height"], shares)
            np.testing.assert_allclose(layer["bin_centre"], -0.98 + 0.04 * np.arange(50), rtol=0, atol=4 * ROUNDING)

    def test_unit_correlation_over_depth(self) -> None:
        units = self.numbers("continuity/unit_correlation")
        mean = np.array([known_mean(row) for row in units])
        null = self.numbers("continuity/residual_null")
        layers = self.data("unit_correlation", 2)
        expected = [mean[0::2], mean[1::2], null[0::2], null[1::2]]
        for place, (layer, values) in enumerate(zip(layers, expected, strict=True)):
            np.testing.assert_array_equal(layer["x"], (np.arange(len(values)) * 2 + place % 2 + 0.5) / 2)
            # Each of two means of correlations may be off by a rounding for each unit.
            tolerance = 2 * units.shape[1] * ROUNDING if place < 2 else 0
            np.testing.assert_allclose(layer["y"], values, rtol=0, atol=tolerance)

    def test_velocity(self) -> None:
        for panel, measure, is_logarithmic in ((1, "cosine", False), (2, "velocity", True)):
            band, *curves = self.data("velocity", panel)
            own = f"continuity/{measure}"
            self.assert_band(band, f"{own}_mean", f"{own}_std", curves if is_logarithmic else None)
            controls = [f"control/{control}/{measure}_mean" for control in ("sample_permuted", "layer_permuted")]
            for curve, dataset in zip(curves, [f"{own}_mean", *controls], strict=True):
                self.assert_curve(curve, dataset)

    def test_relative_velocity_and_acceleration(self) -> None:
        band, curve = self.data("velocity", 3)
        self.assert_band(band, "continuity/relative_velocity_mean", "continuity/relative_velocity_std", [curve])
        self.assert_curve(curve, "continuity/relative_velocity_mean")
        [acceleration] = self.data("velocity", 4)
        self.assert_curve(acceleration, "continuity/acceleration")
        self.assertEqual(acceleration["x"][0], 0.5)

    def test_lag(self) -> None:
        """Means over all pairs of points at a lag, the last point left out."""
        controls = ("sample_permuted", "layer_permuted", "random_basis")
        names = ["continuity/correlation", *(f"control/{control}/correlation" for control in controls)]
        for layer, name in zip(self.data("lag"), names, strict=True):
            pairs = self.numbers(name)[:-1, :-1]
            lags = np.arange(1, self.points - 1)
            np.testing.assert_array_equal(layer["x"], lags)
            means = [known_mean(np.diagonal(pairs, lag)) for lag in lags]
            np.testing.assert_allclose(layer["y"], means, rtol=0, atol=2 * self.points * ROUNDING)

    def test_density(self) -> None:
        measures = (("norm", True), ("active", False), ("hoyer", False), ("kurtosis", True))
        for panel, (measure, is_logarithmic) in enumerate(measures, start=1):
            band, curve = self.data("density", panel)
            logarithmic = [curve] if is_logarithmic else None
            self.assert_band(band, f"density/{measure}_mean", f"density/{measure}_std", logarithmic)
            self.assert_curve(curve, f"density/{measure}_mean")

    def test_information(self) -> None:
        [layer] = self.data("information")
        self.assert_curve(layer, "continuity/mutual_information_mean")


del FiguresTest

if __name__ == "__main__":
    unittest.main()
