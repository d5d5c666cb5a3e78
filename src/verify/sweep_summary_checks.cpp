#include "sweep_summary_checks.hpp"

#include <cmath>
#include <functional>

namespace orrery::verify {
namespace {

/// A number of /summary, and what it is of one prompt: of the line that /recovery has there, which begins at
/// the start layer's point and is one number where it has none for each point.
struct Summarised {
  const char* name;
  std::string of;
  std::function<double(const std::vector<double>& line)> number;
};

std::vector<Summarised> summarised() {
  const auto first = [](const std::vector<double>& line) { return line.front(); };
  const auto last = [](const std::vector<double>& line) { return line.back(); };
  const auto mean = [](const std::vector<double>& line) { return core::Mean(line).value(); };
  return {{"ratio_end", "ratio", last},
          {"relative_distance_start", "relative_distance", first},
          {"relative_distance_end", "relative_distance", last},
          {"spread_distance_start", "spread_distance", first},
          {"spread_distance_end", "spread_distance", last},
          {"cosine_end", "cosine", last},
          {"exponent", "exponent", mean},
          {"inward_fraction", "inward_fraction", mean},
          {"halved", "halved", first},
          {"kl", "kl", first},
          {"top1", "top1", first}};
}

/// The numbers that the prompts have for each case and, fastest, start layer.
std::vector<std::vector<double>> by_place(const SweepChecker& checker, const Summarised& one) {
  const std::string path = "/recovery/" + one.of;
  std::vector<double> values = checker.reals(path);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isinf(values[i]) && checker.is_undefined(path, static_cast<std::int64_t>(i)))
      values[i] = std::nan("");
  }
  const auto places = static_cast<std::size_t>(std::ssize(checker.extent().cases()) * checker.start_layers());
  const std::size_t lines = places * static_cast<std::size_t>(checker.prompts());
  const std::size_t length = values.size() / lines;
  std::vector<std::vector<double>> numbers(places);
  for (std::size_t line = 0; line < lines; ++line) {
    const std::int64_t m = static_cast<std::int64_t>(line) % checker.start_layers();
    const std::int64_t start = length > 1 ? checker.start(m) : 0;
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(line * length);
    numbers[line % places].push_back(
        one.number({begin + start, begin + static_cast<std::ptrdiff_t>(length)}));
  }
  return numbers;
}

/// The standard error of a mean, as two passes over the numbers have it.
double standard_error(const std::vector<double>& numbers, const core::Mean& mean) {
  if (mean.count() < 2) return std::nan("");
  double squares = 0;
  for (const double number : numbers) {
    if (!std::isnan(number)) squares += (number - mean.value()) * (number - mean.value());
  }
  return std::sqrt(squares / (mean.count() - 1) / mean.count());
}

}  // namespace

void check_summary(SweepChecker& checker) {
  const std::vector<std::string> cases = checker.extent().cases();
  const std::vector<std::int64_t> shape = {std::ssize(cases), checker.start_layers()};
  Identity means("summary means"), errors("summary standard errors"), medians("summary half-lives");
  for (const Summarised& one : summarised()) {
    const std::string path = std::string("/summary/") + one.name;
    if (!checker.has({path, path + "_se", "/recovery/" + one.of})) continue;
    const std::vector<double> mean = checker.reals(path), error = checker.reals(path + "_se");
    const std::vector<std::vector<double>> numbers = by_place(checker, one);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      // An earlier version's mean of infinite numbers.
      if (std::isinf(mean[i]) && checker.is_undefined(path, static_cast<std::int64_t>(i))) continue;
      const core::Mean expected(numbers[i]);
      const std::string place = path + " " + place_text(shape, static_cast<std::int64_t>(i));
      // A prompt's number may be a mean over steps itself.
      const double bound =
          rounding_of(expected, static_cast<double>(checker.extent().points() + 4) * epsilon);
      means.hold(mean[i], expected.value(), bound, place);
      // Each number less the mean is off by as much as the two, and so is the root of their mean square.
      errors.hold(error[i], standard_error(numbers[i], expected), 4 * bound, place);
    }
  }
  if (checker.has({"/summary/half_life_median", "/recovery/half_life_median"})) {
    const std::vector<double> median = checker.reals("/summary/half_life_median");
    const auto numbers = by_place(
        checker, {"", "half_life_median", [](const std::vector<double>& line) { return line.front(); }});
    for (std::size_t i = 0; i < median.size(); ++i) {
      const double expected = lower_median(numbers[i]);
      const bool right = median[i] == expected || (std::isnan(median[i]) && std::isnan(expected));
      medians.require(right, median[i], expected, Place{shape, static_cast<std::int64_t>(i)});
    }
  }
  means.tell(checker);
  errors.tell(checker);
  medians.tell(checker);
}

}  // namespace orrery::verify
