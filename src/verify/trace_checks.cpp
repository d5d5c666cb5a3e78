#include "trace_checks.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/statistics/trace_statistic.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace orrery::verify {
namespace {

using archive::AttributeValue;
using core::concat;

/// Lines are numbered from 0, lengths are those that the offsets give, tokens are in the vocabulary.
void check_tokens(TraceChecker& checker) {
  const archive::Reader& file = checker.file();
  const std::vector<double> offset = checker.reals("/samples/token_offset");
  const std::vector<double> length = checker.reals("/samples/length");
  Identity identity("token offsets");
  for (std::size_t n = 0; n < length.size(); ++n) {
    identity.require(length[n] >= 1, length[n], 1, "length ", n);
    identity.hold(offset[n + 1] - offset[n], length[n], 0, "sample ", n);
  }
  identity.hold(offset.front(), 0, 0, "the first sample");
  identity.hold(offset.back(), static_cast<double>(checker.extent().tokens), 0, "the end");
  const std::optional<AttributeValue> words = file.attribute("/", "vocab_size");
  const double most = words && std::holds_alternative<std::int64_t>(*words)
                          ? static_cast<double>(std::get<std::int64_t>(*words))
                          : core::infinity;
  checker.for_slabs("/samples/token", [&](std::int64_t first, const std::vector<double>& tokens) {
    const auto wrong = std::ranges::find_if(tokens, [&](double id) { return id < 0 || id >= most; });
    const bool right = wrong == tokens.end();
    identity.require(right, right ? 0 : *wrong, most, "token ", first + (wrong - tokens.begin()));
  });
  const std::vector<double> position = checker.reals("/samples/position");
  for (std::size_t n = 0; n < position.size(); ++n) {
    identity.require(position[n] >= 0 && position[n] < length[n], position[n], length[n], "position ", n);
  }
  identity.tell(checker);
}

void check_rows(TraceChecker& checker) {
  Identity identity("lines of the corpus");
  double before = -1;
  for (const char* path : {"/samples/row", "/samples/characters"}) {
    checker.for_slabs(path, [&](std::int64_t first, const std::vector<double>& values) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const bool right = std::string(path) == "/samples/row" ? values[i] > before : values[i] >= 1;
        identity.require(right, values[i], before, path, " ", first + static_cast<std::int64_t>(i));
        before = values[i];
      }
    });
  }
  identity.tell(checker);
}

void check_samples(TraceChecker& checker) {
  if (checker.has({"/samples/token_offset", "/samples/length", "/samples/token"})) check_tokens(checker);
  if (checker.has({"/samples/row", "/samples/characters"})) check_rows(checker);
}

void check_headline(TraceChecker& checker) {
  if (std::ranges::find(checker.file().groups(), "/headline") == checker.file().groups().end()) {
    checker.tell(false, "headline", "the group is missing");
    return;
  }
  statistics::HeadlineCheck check(checker);
  for (const auto& statistic : statistics::trace_statistics_of_run())
    statistic->verify_headline(checker, checker.extent(), check);
  check.tell(checker);
}

}  // namespace

void check_trace(TraceChecker& checker) {
  check_samples(checker);
  checker.check_ranges();
  for (const auto& statistic : statistics::trace_statistics_of_run())
    statistic->verify(checker, checker.extent());
  check_headline(checker);
}

}  // namespace orrery::verify
