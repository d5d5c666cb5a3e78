#pragma once

#include "hdf5_handle.hpp"
#include "orrery/archive/layout.hpp"

#include <optional>
#include <string>
#include <vector>

namespace orrery::archive {

/// The element type as it stands in the file; for memory too on this little-endian machine (a big-endian one
/// is refused at compile time).
Handle file_type(ElementType type);

/// The element type of an HDF5 type, or nothing where orrery writes no such type.
std::optional<ElementType> element_type_of(hid_t type);

/// A space of that shape.
Handle make_space(const std::vector<std::int64_t>& shape);

/// Writes an attribute; one of that name that is there already is replaced. Text is of variable length: its
/// characters lie in the file's heap, so the 64 KB that an attribute may have don't limit it.
void write_attribute(hid_t object, const std::string& name, const AttributeValue& value, const Check& check);

/// The attribute, or nothing where there is none of that name, or none of a kind that orrery writes.
std::optional<AttributeValue> read_attribute(hid_t object, const std::string& name, const Check& check);

}  // namespace orrery::archive
