#include "orrery/statistics/headline.hpp"

#include "orrery/core/not_a_number.hpp"
#include "orrery/statistics/jackknife.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::statistics {

using core::not_a_number;

void Headline::add(const std::string& name, double value, const std::vector<double>& left_out,
                   const std::string& long_name, const std::string& unit) {
  entries.push_back({name, value, jackknife_error(left_out), long_name, unit});
}

HeadlinePlaces::HeadlinePlaces(const core::PointMap& points)
    : last(points.size() - 3), late(points.size() - 2) {
  for (std::int64_t step = 0; step <= last; ++step)
    (points.stays_in_layer(core::Point(step)) ? within : across).push_back(step);
}

double mean_at(const double* line, const std::vector<std::int64_t>& steps) {
  double sum = 0;
  for (const std::int64_t step : steps) sum += line[step];
  return steps.empty() ? not_a_number : sum / static_cast<double>(steps.size());
}

double number_at(const std::vector<double>& line, std::int64_t place) {
  return place >= 0 && place < std::ssize(line) ? line[place] : not_a_number;
}

void HeadlineCheck::hold(const std::string& name, double expected) {
  identity_.hold(stored_.number("/headline", name).value_or(core::infinity), expected,
                 1e-12 * std::max(1.0, std::abs(expected)), name);
}

void HeadlineCheck::hold_steps(const std::string& name, const std::vector<double>& line,
                               const core::PointMap& points) {
  if (line.empty()) return;
  const HeadlinePlaces places(points);
  hold(name + "_within", mean_at(line.data(), places.within));
  hold(name + "_across", mean_at(line.data(), places.across));
}

void HeadlineCheck::hold_ends(const std::string& name, const std::vector<double>& line,
                              const core::PointMap& points) {
  if (line.empty()) return;
  const HeadlinePlaces places(points);
  hold(name + "_first", number_at(line, places.first));
  hold(name + "_last", number_at(line, places.last));
}

void HeadlineCheck::hold_points(const std::string& name, const std::vector<double>& line,
                                const core::PointMap& points) {
  if (line.empty()) return;
  const HeadlinePlaces places(points);
  hold(name + "_early", number_at(line, places.early));
  hold(name + "_late", number_at(line, places.late));
}

}  // namespace orrery::statistics
