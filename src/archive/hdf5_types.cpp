#include "hdf5_types.hpp"

#include <bit>

namespace orrery::archive {

static_assert(std::endian::native == std::endian::little,
              "files are little-endian, and memory is written as it is");

namespace {

const Check& inner() {
  static const Check check(core::ExitCode::internal, "HDF5 refuses a type or a space", "in memory");
  return check;
}

Handle text_type(H5T_cset_t characters, const Check& check) {
  Handle type = check.own(H5Tcopy(H5T_C_S1));
  check(H5Tset_size(type.get(), H5T_VARIABLE));
  check(H5Tset_cset(type.get(), characters));
  return type;
}

std::string read_text_attribute(hid_t attribute, hid_t stored, const Check& check) {
  const Handle memory = text_type(H5Tget_cset(stored), check);
  char* text = nullptr;
  check(H5Aread(attribute, memory.get(), static_cast<void*>(&text)));
  std::string value = text == nullptr ? "" : text;
  H5free_memory(text);
  return value;
}

}  // namespace

Handle file_type(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return inner().own(H5Tcopy(H5T_IEEE_F32LE));
    case ElementType::float64:
      return inner().own(H5Tcopy(H5T_IEEE_F64LE));
    case ElementType::int32:
      return inner().own(H5Tcopy(H5T_STD_I32LE));
    case ElementType::int64:
      return inner().own(H5Tcopy(H5T_STD_I64LE));
    case ElementType::uint8:
      return inner().own(H5Tcopy(H5T_STD_U8LE));
    case ElementType::text:
      break;
  }
  return text_type(H5T_CSET_UTF8, inner());
}

std::optional<ElementType> element_type_of(hid_t type) {
  for (const ElementType candidate : {ElementType::float32, ElementType::float64, ElementType::int32,
                                      ElementType::int64, ElementType::uint8, ElementType::text}) {
    if (H5Tequal(type, file_type(candidate).get()) > 0) return candidate;
  }
  return std::nullopt;
}

Handle make_space(const std::vector<std::int64_t>& shape) {
  const std::vector<hsize_t> lengths(shape.begin(), shape.end());
  return inner().own(H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr));
}

void write_attribute(hid_t object, const std::string& name, const AttributeValue& value, const Check& check) {
  if (check(H5Aexists(object, name.c_str())) > 0) check(H5Adelete(object, name.c_str()));
  const Handle space = check.own(H5Screate(H5S_SCALAR));
  const auto write = [&](ElementType type, const void* data) {
    const Handle stored = file_type(type);
    const Handle attribute =
        check.own(H5Acreate2(object, name.c_str(), stored.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
    check(H5Awrite(attribute.get(), stored.get(), data));
  };
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (text->find('\0') != std::string::npos) {
      throw core::usage_error("a text holds a zero byte", name, "leave the byte out");
    }
    const char* characters = text->c_str();
    write(ElementType::text, static_cast<const void*>(&characters));
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    write(ElementType::int64, integer);
  } else {
    write(ElementType::float64, &std::get<double>(value));
  }
}

std::optional<AttributeValue> read_attribute(hid_t object, const std::string& name, const Check& check) {
  if (check(H5Aexists(object, name.c_str())) == 0) return std::nullopt;
  const Handle attribute = check.own(H5Aopen(object, name.c_str(), H5P_DEFAULT));
  const Handle stored = check.own(H5Aget_type(attribute.get()));
  const Handle space = check.own(H5Aget_space(attribute.get()));
  if (H5Sget_simple_extent_type(space.get()) != H5S_SCALAR) return std::nullopt;
  switch (H5Tget_class(stored.get())) {
    case H5T_STRING:
      if (H5Tis_variable_str(stored.get()) <= 0) return std::nullopt;
      return read_text_attribute(attribute.get(), stored.get(), check);
    case H5T_INTEGER: {
      std::int64_t value = 0;
      check(H5Aread(attribute.get(), H5T_NATIVE_INT64, &value));
      return value;
    }
    case H5T_FLOAT: {
      double value = 0;
      check(H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value));
      return value;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace orrery::archive
