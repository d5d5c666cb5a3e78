#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace orrery::text {

/// A token in a piece that is being merged: `size` units from `begin` on (bytes, or whatever the caller
/// counts).
struct MergeSymbol {
  std::int32_t id = 0;
  std::size_t begin = 0;
  std::size_t size = 0;
};

/// What a pair becomes, and how soon: pairs of lower rank merge first.
struct PairMerge {
  std::int32_t rank = 0;
  std::int32_t id = 0;
};

/// A merge that may be due. It is out of date once either of its symbols has changed.
struct MergeCandidate {
  PairMerge merge;
  std::size_t left = 0;
  std::size_t right = 0;
  std::size_t size = 0;  ///< of both symbols together, when the candidate was made

  /// The heap keeps the greatest on top: lowest rank, then leftmost.
  bool operator<(const MergeCandidate& other) const {
    return merge.rank != other.merge.rank ? merge.rank > other.merge.rank : left > other.left;
  }
};

/// Memory that one thread uses again for piece after piece.
struct MergeWorkspace {
  std::vector<MergeSymbol> symbols;
  std::vector<std::size_t> previous;
  std::vector<std::size_t> next;
  std::vector<MergeCandidate> heap;
};

/// Merges `workspace.symbols` in place, lowest rank first and the leftmost of equals, until no pair merges.
/// `find_merge(left, right)` gives an `optional<PairMerge>` for two neighbouring symbols.
/// A heap of candidates over a linked list: O(n log n) for n symbols, also for a run of equal characters.
template <class FindMerge>
void merge_pairs(MergeWorkspace& workspace, FindMerge find_merge) {
  auto& symbols = workspace.symbols;
  auto& previous = workspace.previous;
  auto& next = workspace.next;
  auto& heap = workspace.heap;
  const std::size_t count = symbols.size();
  const std::size_t none = count;
  previous.resize(count);
  next.resize(count);
  heap.clear();
  const auto offer = [&](std::size_t left, std::size_t right) {
    if (left == none || right == none) return;
    if (const std::optional<PairMerge> merge = find_merge(symbols[left], symbols[right])) {
      heap.push_back({*merge, left, right, symbols[left].size + symbols[right].size});
      std::push_heap(heap.begin(), heap.end());
    }
  };
  for (std::size_t i = 0; i < count; ++i) {
    previous[i] = i == 0 ? none : i - 1;
    next[i] = i + 1;
  }
  for (std::size_t i = 0; i + 1 < count; ++i) offer(i, i + 1);

  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const MergeCandidate candidate = heap.back();
    heap.pop_back();
    MergeSymbol& left = symbols[candidate.left];
    MergeSymbol& right = symbols[candidate.right];
    // A symbol that was merged away has size 0.
    const bool current = left.size != 0 && right.size != 0 && next[candidate.left] == candidate.right &&
                         left.size + right.size == candidate.size;
    if (!current) continue;
    left = {candidate.merge.id, left.begin, candidate.size};
    right.size = 0;
    next[candidate.left] = next[candidate.right];
    if (next[candidate.left] != none) previous[next[candidate.left]] = candidate.left;
    offer(previous[candidate.left], candidate.left);
    offer(candidate.left, next[candidate.left]);
  }
  std::erase_if(symbols, [](const MergeSymbol& symbol) { return symbol.size == 0; });
}

}  // namespace orrery::text
