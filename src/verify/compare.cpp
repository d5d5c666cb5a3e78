#include "orrery/verify/compare.hpp"

#include "file_checker.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/verify/config_text.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iomanip>
#include <map>
#include <set>
#include <sstream>
#include <string_view>
#include <variant>

namespace orrery::verify {
namespace {

using archive::AttributeValue;
using archive::DatasetInfo;
using archive::ElementType;
using archive::Reader;
using core::concat;

constexpr std::int64_t block_entries = std::int64_t{2} << 20;

bool is_real(ElementType type) {
  return type == ElementType::float32 || type == ElementType::float64;
}

std::string text_of(const AttributeValue& value) {
  if (const auto* real = std::get_if<double>(&value)) return number_text(*real);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return concat(*integer);
  std::string text = std::get<std::string>(value).substr(0, 100);
  std::ranges::replace(text, '\n', ' ');
  return concat("'", text, "'");
}

std::string shape_text(const DatasetInfo& info) {
  std::string text = concat(archive::name_of(info.type), " (");
  for (std::size_t i = 0; i < info.shape.size(); ++i) text += concat(i > 0 ? ", " : "", info.shape[i]);
  return text + ")";
}

/// Entries of a dataset, a block at a time.
class Entries {
 public:
  Entries(const Reader& file, const DatasetInfo& info)
      : file_(file), info_(info), size_(static_cast<std::size_t>(archive::size_of(info.type))) {}

  void read(std::int64_t first, std::int64_t count) {
    bytes_.resize(static_cast<std::size_t>(count) * size_);
    file_.read_stored(info_.path, first * static_cast<std::int64_t>(size_), bytes_);
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }
  bool same_bits(const Entries& other, std::int64_t i) const {
    const std::size_t at = static_cast<std::size_t>(i) * size_;
    return std::memcmp(bytes_.data() + at, other.bytes_.data() + at, size_) == 0;
  }
  double real(std::int64_t i) const {
    return info_.type == ElementType::float32 ? static_cast<double>(as<float>(i)) : as<double>(i);
  }
  std::string text(std::int64_t i) const {
    switch (info_.type) {
      case ElementType::int32:
        return concat(as<std::int32_t>(i));
      case ElementType::int64:
        return concat(as<std::int64_t>(i));
      case ElementType::uint8:
        return concat(static_cast<int>(as<std::uint8_t>(i)));
      case ElementType::float32:
        return number_text(as<float>(i));
      default:
        return number_text(as<double>(i));
    }
  }

 private:
  template <class T>
  T as(std::int64_t i) const {
    T value;
    std::memcpy(&value, bytes_.data() + static_cast<std::size_t>(i) * size_, sizeof value);
    return value;
  }
  const Reader& file_;
  const DatasetInfo& info_;
  std::size_t size_;
  std::vector<std::byte> bytes_;
};

class Comparer {
 public:
  Comparer(const Reader& one, const Reader& other, const CompareOptions& options)
      : one_(one), other_(other), options_(options) {}

  Comparison run() {
    compare_datasets();
    compare_attributes();
    return std::move(result_);
  }

 private:
  void differ(const std::string& line) { result_.differences.push_back(line); }

  void compare_datasets() {
    std::set<std::string> paths;
    for (const Reader* file : {&one_, &other_}) {
      for (const DatasetInfo& info : file->datasets()) {
        if (!info.path.starts_with("/timing/")) paths.insert(info.path);
      }
    }
    for (const std::string& path : paths) {
      if (one_.has(path) && other_.has(path)) {
        compare_dataset(one_.info(path), other_.info(path));
      } else if (!options_.common) {
        differ(concat(path, ": in the ", one_.has(path) ? "first" : "second", " file only"));
      }
    }
  }

  void compare_dataset(const DatasetInfo& one, const DatasetInfo& other) {
    const bool numerically = options_.tolerance && is_real(one.type) && is_real(other.type);
    const bool has_both = one.has_values == other.has_values || archive::is_counted_scale(one.path);
    if (one.shape != other.shape || !has_both || (one.type != other.type && !numerically)) {
      differ(concat(one.path, ": ", shape_text(one), " and ", shape_text(other)));
      return;
    }
    ++result_.datasets;
    if (!one.has_values || !other.has_values) return;
    result_.entries += one.entries();
    if (one.type == ElementType::text) {
      compare_texts(one);
    } else if (numerically) {
      compare_numbers(one, other);
    } else {
      compare_bits(one, other);
    }
  }

  void compare_texts(const DatasetInfo& info) {
    const std::vector<std::string> one = one_.read_texts(info.path);
    const std::vector<std::string> other = other_.read_texts(info.path);
    Found found;
    for (std::size_t i = 0; i < one.size(); ++i) {
      if (one[i] != other[i])
        found.add(static_cast<std::int64_t>(i), "'" + one[i] + "'", "'" + other[i] + "'");
    }
    tell(info, found, "");
  }

  void compare_bits(const DatasetInfo& info, const DatasetInfo& info_of_other) {
    Entries one(one_, info), other(other_, info_of_other);
    Found found;
    for_blocks(info, one, other, [&](std::int64_t first, std::int64_t count) {
      if (one.bytes() == other.bytes()) return;
      for (std::int64_t i = 0; i < count; ++i) {
        if (!one.same_bits(other, i)) found.add(first + i, one.text(i), other.text(i));
      }
    });
    tell(info, found, "");
  }

  void compare_numbers(const DatasetInfo& info, const DatasetInfo& info_of_other) {
    Entries one(one_, info), other(other_, info_of_other);
    double scale = 0;
    for_blocks(info, one, other, [&](std::int64_t, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) {
        for (const double value : {one.real(i), other.real(i)}) {
          if (std::isfinite(value)) scale = std::max(scale, std::abs(value));
        }
      }
    });
    Found found;
    double worst = 0;
    for_blocks(info, one, other, [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) {
        if (close(one.real(i), other.real(i), scale)) continue;
        found.add(first + i, one.text(i), other.text(i));
        worst = std::max(worst, std::abs(one.real(i) - other.real(i)) / scale);
      }
    });
    tell(info, found, concat("; the worst by ", std::setprecision(3), worst, " of the largest magnitude"));
  }

  /// What differs in a dataset.
  struct Found {
    std::int64_t count = 0;
    std::int64_t first = 0;
    std::string one, other;

    void add(std::int64_t entry, const std::string& in_one, const std::string& in_other) {
      if (count++ > 0) return;
      first = entry;
      one = in_one;
      other = in_other;
    }
  };

  void tell(const DatasetInfo& info, const Found& found, const std::string& more) {
    if (found.count == 0) return;
    const std::string bits = found.one == found.other ? ", whose bits differ" : "";
    differ(concat(info.path, ": ", found.count, " of ", info.entries(),
                  info.entries() == 1 ? " entry differs" : " entries differ", ", first at ",
                  place_text(info.shape, found.first), ": ", found.one, " and ", found.other, bits, more));
  }

  template <class Work>
  static void for_blocks(const DatasetInfo& info, Entries& one, Entries& other, const Work& work) {
    for (std::int64_t first = 0; first < info.entries(); first += block_entries) {
      const std::int64_t count = std::min(block_entries, info.entries() - first);
      one.read(first, count);
      other.read(first, count);
      work(first, count);
    }
  }

  bool close(double a, double b, double scale) const {
    if (a == b || (std::isnan(a) && std::isnan(b))) return true;
    return std::isfinite(a) && std::isfinite(b) && std::abs(a - b) <= *options_.tolerance * scale;
  }

  void compare_attributes() {
    std::set<std::string> objects;
    for (const std::string& group : one_.groups()) {
      if (std::ranges::find(other_.groups(), group) != other_.groups().end()) objects.insert(group);
    }
    for (const DatasetInfo& info : one_.datasets()) {
      if (other_.has(info.path)) objects.insert(info.path);
    }
    for (const std::string& object : objects) {
      std::set<std::string> names;
      for (const Reader* file : {&one_, &other_}) {
        for (const std::string& name : file->attribute_names(object)) names.insert(name);
      }
      for (const std::string& name : names) {
        if (!archive::tells_of_run(object, name)) compare_attribute(object, name);
      }
    }
    if (!options_.common) compare_options();
  }

  void compare_attribute(const std::string& object, const std::string& name) {
    const std::optional<AttributeValue> one = one_.attribute(object, name);
    const std::optional<AttributeValue> other = other_.attribute(object, name);
    const auto is_text = [](const auto& value) {
      return value && std::holds_alternative<std::string>(*value);
    };
    if (options_.common && (!one || !other || (is_text(one) && is_text(other)))) return;
    if ((!one || !other) && archive::came_later(object, name)) return;
    ++result_.attributes;
    const std::string what = concat("attribute ", name, " of ", object, ": ");
    if (!one || !other) {
      differ(concat(what, "in the ", one ? "first" : "second", " file only"));
    } else if (!same(*one, *other)) {
      differ(concat(what, text_of(*one), " and ", text_of(*other)));
    }
  }

  bool same(const AttributeValue& one, const AttributeValue& other) const {
    const auto* a = std::get_if<double>(&one);
    const auto* b = std::get_if<double>(&other);
    if (a == nullptr || b == nullptr) return one == other;
    if (options_.tolerance) return close(*a, *b, std::max(std::abs(*a), std::abs(*b)));
    return std::bit_cast<std::uint64_t>(*a) == std::bit_cast<std::uint64_t>(*b);
  }

  /// The options of `config` that count.
  std::map<std::string, std::string> options_of(const Reader& file) const {
    const std::optional<AttributeValue> config = file.attribute("/", "config");
    if (!config || !std::holds_alternative<std::string>(*config)) return {};
    return fixing_options(std::get<std::string>(*config), options_.free_options);
  }

  void compare_options() {
    const std::map<std::string, std::string> one = options_of(one_);
    std::map<std::string, std::string> other = options_of(other_);
    for (const auto& [name, value] : one) {
      const auto found = other.find(name);
      if (found == other.end()) {
        differ(concat("option ", name, ": in the first file only"));
      } else {
        if (found->second != value) differ(concat("option ", name, ": ", value, " and ", found->second));
        other.erase(found);
      }
    }
    for (const auto& [name, value] : other) differ(concat("option ", name, ": in the second file only"));
  }

  const Reader& one_;
  const Reader& other_;
  const CompareOptions& options_;
  Comparison result_;
};

}  // namespace

Comparison compare_files(const archive::Reader& one, const archive::Reader& other,
                         const CompareOptions& options) {
  return Comparer(one, other, options).run();
}

}  // namespace orrery::verify
