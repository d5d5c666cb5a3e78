#pragma once

#include "hdf5_handle.hpp"
#include "orrery/archive/reader.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace orrery::archive {

/// What lies in an open file, each sorted by path.
struct Listing {
  std::vector<DatasetInfo> datasets;
  std::vector<std::string> groups;
};

/// Lists groups and datasets, hard links only. Fails by `check` where a dataset is not as orrery writes them,
/// or can't be: of another type, not contiguous, kept in another file, larger than the file of `file_bytes`
/// bytes.
Listing list_contents(hid_t file, std::int64_t file_bytes, const Check& check);

/// The object's attributes that hold one text or number.
std::map<std::string, AttributeValue> read_attributes(hid_t file, const std::string& object,
                                                      const Check& check);

}  // namespace orrery::archive
