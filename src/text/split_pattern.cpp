#define PCRE2_CODE_UNIT_WIDTH 8
#include "orrery/text/split_pattern.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/text/pattern_for_pcre2.hpp"
#include "orrery/text/printable.hpp"
#include "orrery/text/utf8.hpp"

#include <pcre2.h>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace orrery::text {

// No part of the unnamed namespace, since a member of SplitPattern has it.
template <auto free_function>
struct Pcre2Free {
  template <class T>
  void operator()(T* handle) const {
    free_function(handle);
  }
};

namespace {

// A pattern may need a stack that grows with the piece; these bound what a hostile one takes.
constexpr std::size_t jit_stack_start = std::size_t{1} << 16;
constexpr std::size_t jit_stack_limit = std::size_t{1} << 20;
constexpr std::uint32_t heap_limit_kib = 1U << 17;

template <class T>
T* require_memory(T* handle) {
  if (handle == nullptr) throw std::bad_alloc();
  return handle;
}

std::string message_of(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

PCRE2_SPTR bytes_of(std::string_view text) {
  // PCRE2 10.42 takes no null pointer for an empty subject in every function.
  return reinterpret_cast<PCRE2_SPTR>(text.data() == nullptr ? "" : text.data());
}

/// What matching needs to write on: one a thread, since a compiled pattern is shared by all.
class Workspace {
 public:
  Workspace()
      : data_(require_memory(pcre2_match_data_create(1, nullptr))),
        context_(require_memory(pcre2_match_context_create(nullptr))),
        stack_(pcre2_jit_stack_create(jit_stack_start, jit_stack_limit, nullptr)) {
    pcre2_set_heap_limit(context_.get(), heap_limit_kib);
    // Without a stack of its own (no JIT here) PCRE2 does with the thread's.
    if (stack_) pcre2_jit_stack_assign(context_.get(), nullptr, stack_.get());
  }

  /// [begin, end) of the first match at or behind `start`; nothing where there is none. A negative `error`
  /// else.
  std::optional<std::pair<std::size_t, std::size_t>> find(const pcre2_code* code, std::string_view text,
                                                          std::size_t start, int& error) {
    const auto match = [&](std::uint32_t options) {
      return pcre2_match(code, bytes_of(text), text.size(), start, PCRE2_NO_UTF_CHECK | options, data_.get(),
                         context_.get());
    };
    error = match(0);
    // The interpreter keeps its state on the heap, and goes where the JIT's stack ends.
    if (error == PCRE2_ERROR_JIT_STACKLIMIT) error = match(PCRE2_NO_JIT);
    if (error < 0) return std::nullopt;
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data_.get());
    return std::pair{ends[0], ends[1]};
  }

 private:
  std::unique_ptr<pcre2_match_data, Pcre2Free<pcre2_match_data_free>> data_;
  std::unique_ptr<pcre2_match_context, Pcre2Free<pcre2_match_context_free>> context_;
  std::unique_ptr<pcre2_jit_stack, Pcre2Free<pcre2_jit_stack_free>> stack_;
};

}  // namespace

struct SplitPattern::Code {
  std::unique_ptr<pcre2_code, Pcre2Free<pcre2_code_free>> handle;
};

SplitPattern::SplitPattern(std::string_view pattern, const std::string& where)
    : code_(std::make_unique<Code>()), where_(where) {
  const std::string translated = pattern_for_pcre2(pattern, where);
  const std::unique_ptr<pcre2_compile_context, Pcre2Free<pcre2_compile_context_free>> context(
      require_memory(pcre2_compile_context_create(nullptr)));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_->handle.reset(pcre2_compile(bytes_of(translated), translated.size(),
                                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset, context.get()));
  if (!code_->handle) {
    throw core::bad_input(
        where + ": a pattern that is no regular expression",
        core::concat(message_of(error), " at byte ", offset, " of ", printable(translated, 200)),
        "replace the file, or use the model's tokenizer.model");
  }
  // A machine that forbids writable code has no JIT: the interpreter matches then, and finds the same.
  pcre2_jit_compile(code_->handle.get(), PCRE2_JIT_COMPLETE);
}

SplitPattern::~SplitPattern() = default;
SplitPattern::SplitPattern(SplitPattern&&) noexcept = default;
SplitPattern& SplitPattern::operator=(SplitPattern&&) noexcept = default;

void SplitPattern::split(std::string_view text, std::size_t offset, std::vector<std::size_t>& ends) const {
  thread_local Workspace workspace;
  std::size_t piece_end = 0;  // of the last piece
  const auto cut_at = [&](std::size_t end) {
    if (end > piece_end) ends.push_back(offset + end);
    piece_end = end;
  };
  std::size_t start = 0;
  std::optional<std::size_t> match_end;
  while (start <= text.size()) {
    int error = 0;
    const auto match = workspace.find(code_->handle.get(), text, start, error);
    if (!match) {
      if (error == PCRE2_ERROR_NOMATCH) break;
      throw core::bad_input(where_ + ": the pattern gives up on a text",
                            core::concat(message_of(error), " at byte ", start, " of ", text.size()),
                            "leave out the row (--max-chars), or use a tokenizer with a simpler pattern");
    }
    const auto [begin, end] = *match;
    if (begin == end && match_end == end) {
      // An empty match right behind the last one is none: look again one character further.
      if (start == text.size()) break;
      next_code_point(text, start);
      continue;
    }
    cut_at(begin);
    cut_at(end);
    start = end;
    match_end = end;
  }
  cut_at(text.size());
}

}  // namespace orrery::text
