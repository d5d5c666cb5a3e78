#include "tests/statistics/unit_reference.hpp"

#include "orrery/core/random.hpp"
#include "tests/statistics/reference.hpp"

#include <cmath>
#include <map>
#include <numbers>
#include <numeric>

namespace orrery::statistics::reference {
namespace {

using core::Purpose;
using core::Random;

std::vector<double> gradient(const std::vector<double>& a) {
  const std::size_t last = a.size() - 1;
  std::vector<double> g(a.size());
  g[0] = a[1] - a[0];
  g[last] = a[last] - a[last - 1];
  for (std::size_t s = 1; s < last; ++s) g[s] = (a[s + 1] - a[s - 1]) / 2;
  return g;
}

std::vector<double> differences(const std::vector<double>& a) {
  std::vector<double> steps;
  for (std::size_t i = 0; i + 1 < a.size(); ++i) steps.push_back(a[i + 1] - a[i]);
  return steps;
}

std::vector<double> summed(double start, const std::vector<double>& steps) {
  std::vector<double> a = {start};
  for (const double step : steps) a.push_back(a.back() + step);
  return a;
}

template <class T>
void shuffle(std::vector<T>& values, Random random) {
  for (std::size_t place = values.size() - 1; place >= 1; --place) {
    std::swap(values[place], values[random.below(static_cast<std::uint32_t>(place + 1))]);
  }
}

Random stream(std::uint64_t seed, Purpose purpose, std::int64_t d, std::int64_t k) {
  return Random(seed, purpose, static_cast<std::uint32_t>(d), static_cast<std::uint32_t>(k));
}

}  // namespace

std::vector<double> turning_angles(const std::vector<double>& a) {
  if (a.size() < 3) return {};
  const std::vector<double> g = gradient(a);
  std::vector<double> direction;
  for (std::size_t s = 0; s + 1 < a.size(); ++s) {
    const double x = (a[s + 1] - a[0]) - (a[s] - a[0]);
    const double y = (g[s + 1] - g[0]) - (g[s] - g[0]);
    direction.push_back(std::atan2(y, x));
  }
  constexpr double pi = std::numbers::pi;
  std::vector<double> turn;
  for (std::size_t s = 0; s + 1 < direction.size(); ++s) {
    const double change = direction[s + 1] - direction[s];
    const double wrapped = change - 2 * pi * std::floor((change + pi) / (2 * pi));
    turn.push_back(wrapped > pi - 1e-12 ? -pi : wrapped);  // π but for rounding
  }
  return turn;
}

double turns(const std::vector<double>& a) {
  double sum = 0;
  for (const double angle : turning_angles(a)) sum += angle;
  return sum / (2 * std::numbers::pi);
}

std::vector<double> sample_trajectory(const Data& data, std::int64_t n, std::int64_t d) {
  std::vector<double> a;
  for (std::int64_t s = 0; s + 1 < data.extent.points; ++s) a.push_back(data.at(n, s, d));
  return a;
}

std::vector<double> mean_trajectory(const Data& data, std::int64_t d) {
  std::vector<double> a;
  for (std::int64_t s = 0; s + 1 < data.extent.points; ++s) a.push_back(mean(data, s, d));
  return a;
}

std::vector<double> permute_points(std::vector<double> a, std::uint64_t seed, std::int64_t d,
                                   std::int64_t k) {
  shuffle(a, stream(seed, Purpose::null_points, d, k));
  return a;
}

std::vector<double> permute_layers(const std::vector<double>& a, std::uint64_t seed, std::int64_t d,
                                   std::int64_t k) {
  std::vector<int> layers(a.size() / 2);
  std::iota(layers.begin(), layers.end(), 0);
  shuffle(layers, stream(seed, Purpose::null_layers, d, k));
  std::vector<double> drawn;
  for (const int layer : layers) {
    drawn.push_back(a[2 * layer]);
    drawn.push_back(a[2 * layer + 1]);
  }
  return drawn;
}

std::vector<double> permute_steps(const std::vector<double>& a, std::uint64_t seed, std::int64_t d,
                                  std::int64_t k) {
  std::vector<double> steps = differences(a);
  shuffle(steps, stream(seed, Purpose::null_steps, d, k));
  return summed(a[0], steps);
}

std::vector<double> draw_signs(const std::vector<double>& a, std::uint64_t seed, std::int64_t d,
                               std::int64_t k) {
  std::vector<double> steps = differences(a);
  Random random = stream(seed, Purpose::null_signs, d, k);
  std::vector<std::uint32_t> words;
  for (std::size_t i = 0; i < steps.size(); i += 32) words.push_back(random.bits());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if ((words[i / 32] >> (i % 32)) & 1) steps[i] = -steps[i];
  }
  return summed(a[0], steps);
}

double information(const std::vector<double>& x, const std::vector<double>& y, std::int64_t bins) {
  const auto bin = [&](const std::vector<double>& values, double value) {
    std::int64_t rank = 0;
    for (const double other : values) rank += other < value ? 1 : 0;
    return rank * bins / std::ssize(values);
  };
  const double weight = 1 / static_cast<double>(x.size());
  std::map<std::int64_t, double> p;
  std::map<std::int64_t, double> q;
  std::map<std::pair<std::int64_t, std::int64_t>, double> both;
  for (std::size_t n = 0; n < x.size(); ++n) {
    const std::int64_t i = bin(x, x[n]);
    const std::int64_t j = bin(y, y[n]);
    p[i] += weight;
    q[j] += weight;
    both[{i, j}] += weight;
  }
  double sum = 0;
  for (const auto& [cell, share] : both) sum += share * std::log(share / (p[cell.first] * q[cell.second]));
  const double cells = static_cast<double>(both.size());
  return sum - (cells - static_cast<double>(p.size()) - static_cast<double>(q.size()) + 1) * weight / 2;
}

}  // namespace orrery::statistics::reference
