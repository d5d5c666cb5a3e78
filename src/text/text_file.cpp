#include "orrery/text/text_file.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/text/file_kind.hpp"
#include "orrery/text/utf8.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace orrery::text {
namespace {

constexpr std::size_t longest_character = 4;

/// One in so many characters of a line may be NUL, a character as others; UTF-16 and UTF-32 read as UTF-8
/// have more of them, and so have blocks of a file that were never written.
constexpr std::int64_t most_nul = 4;

[[noreturn]] void refuse_kind(const std::filesystem::path& path, const FileKind& kind,
                              const std::string& seen) {
  throw core::bad_input(core::concat(path.filename().string(), " is ", kind.name, ", not UTF-8 text"), seen,
                        kind.advice);
}

/// Whether a text of somebody's may begin with these bytes, though another kind of file does: "GGUF", say, or
/// "<html>". Not so where they are no text, or nothing that anybody would write.
bool may_begin_a_text(std::string_view first_bytes) {
  if (first_bytes.starts_with("version https://git-lfs") || first_bytes.starts_with("%PDF-")) return false;
  if (first_bytes.find('\0') != std::string_view::npos) return false;
  const auto fault = find_utf8_fault(first_bytes);
  // The last character may be cut short.
  return !fault || fault->offset + longest_character > first_bytes.size();
}

bool is_high(char byte) {
  return static_cast<unsigned char>(byte) >= 0x80;
}

/// What may turn the line into UTF-8, which is not.
std::string way_to_utf8(std::string_view line) {
  const auto is_control = [](char byte) {
    return static_cast<unsigned char>(byte) < 0x20 &&
           std::string_view("\t\n\v\f\r\x1b").find(byte) == std::string_view::npos;
  };
  const auto is_letter = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
  };
  // Of the characters that one byte stands for these are letters and signs in Windows' encodings alone.
  const auto is_of_windows = [](char byte) {
    return is_high(byte) && static_cast<unsigned char>(byte) < 0xA0;
  };
  if (std::ranges::any_of(line, is_control))
    return "it is no text, or in an encoding that `file` may name: give UTF-8 text";
  // Of a text in a Western language most letters are ASCII.
  if (std::ranges::count_if(line, is_high) * 3 > std::ranges::count_if(line, is_letter)) {
    return "find out its encoding (GB18030, Shift_JIS, KOI8-R and the like), and convert it with `iconv -f "
           "ENCODING -t utf-8`";
  }
  return core::concat("where its language is a Western one, `iconv -f ",
                      std::ranges::any_of(line, is_of_windows) ? "cp1252" : "latin1",
                      " -t utf-8` converts it: look at what comes out");
}

}  // namespace

TextChecker::TextChecker(std::filesystem::path path, std::string_view first_bytes)
    : path_(std::move(path)), first_bytes_(first_bytes) {
  const std::optional<FileKind> kind = file_kind(first_bytes_);
  if (kind && !may_begin_a_text(first_bytes_)) refuse_kind(path_, *kind, path_.string());
}

void TextChecker::check(std::string_view line, std::int64_t number, std::int64_t offset, bool is_last) {
  if (const auto fault = find_utf8_fault(line))
    refuse(line, number, offset, fault->offset, fault->reason, is_last);
  if (std::ranges::count(line, '\0') * most_nul > std::ssize(line))
    refuse(line, number, offset, line.find('\0'), nullptr, is_last);
  has_utf8_ = has_utf8_ || std::ranges::any_of(line, is_high);
}

void TextChecker::refuse(std::string_view line, std::int64_t number, std::int64_t offset, std::size_t place,
                         const char* reason, bool is_last) const {
  const std::string name = path_.filename().string();
  const std::string where = core::concat("line ", number, " from 0, byte ",
                                         offset + core::narrow<std::int64_t>(place), " of the file");
  if (const auto kind = file_kind(first_bytes_))
    refuse_kind(path_, *kind, core::concat(where, " is none; ", path_.string()));
  if (reason == nullptr) {
    throw core::bad_input(name + " has a line of NUL characters", core::concat(where, "; ", path_.string()),
                          "see with `file` what it is, and convert it; where it is a text with holes, get it "
                          "whole, or remove them with `tr -d '\\000'`");
  }
  std::string advice = way_to_utf8(line);
  // The line before the fault is UTF-8, too.
  if (has_utf8_ || std::ranges::any_of(line.substr(0, place), is_high)) {
    advice =
        "the rest before it is UTF-8: mend that place, or drop what is none with `iconv -c -f utf-8 -t "
        "utf-8`";
  }
  if (is_last && place + longest_character > line.size() &&
      std::string_view(reason).find("cut short") != std::string_view::npos)
    advice = "where the file itself is cut short, get it whole; else " + advice;
  throw core::bad_input(name + " is not UTF-8", core::concat(where, ": ", reason, "; ", path_.string()),
                        advice);
}

void TextChecker::finish() const {
  const std::optional<FileKind> kind = file_kind(first_bytes_);
  if (!kind || !kind->name.starts_with("an HTML")) return;
  core::log_warn(
      core::concat(path_.string(), " looks like ", kind->name,
                   ", each line of which is taken for text: give another where it was to be none"));
}

void require_text(std::string_view bytes, const std::filesystem::path& path) {
  const std::string_view first = bytes.substr(0, file_kind_bytes);
  const TextChecker checker(path, first);
  const std::size_t nul = bytes.find('\0');
  if (nul == std::string_view::npos) return;
  if (const auto kind = file_kind(first)) refuse_kind(path, *kind, path.string());
  throw core::bad_input(path.filename().string() + " holds NUL characters, which no text has",
                        core::concat("line ", std::ranges::count(bytes.substr(0, nul), '\n') + 1, ", byte ",
                                     nul, " from 0; ", path.string()),
                        "give a text file");
}

}  // namespace orrery::text
