#include "orrery/archive/finish.hpp"

#include "disk.hpp"
#include "hdf5_handle.hpp"
#include "hdf5_types.hpp"

namespace orrery::archive {
namespace {

Check check_of(const std::filesystem::path& path) {
  return {core::ExitCode::io, "the output file can't be finished", path.string()};
}

Handle open_to_write(const std::filesystem::path& path, const Check& check) {
  return check.own(H5Fopen(path.c_str(), H5F_ACC_RDWR, serial_access(path, Use::write).get()));
}

}  // namespace

void set_attributes(const std::filesystem::path& path, const std::vector<Attribute>& attributes) {
  const Check check = check_of(path);
  Handle file = open_to_write(path, check);
  for (const Attribute& attribute : attributes) {
    if (attribute.object == "/" && attribute.name == "complete") {
      throw core::internal_error("a file can't be called complete here", path.string(),
                                 "please report it with the command line");
    }
    const Check here = check.about(attribute.object + " " + attribute.name);
    const Handle object = here.own(H5Oopen(file.get(), attribute.object.c_str(), H5P_DEFAULT));
    write_attribute(object.get(), attribute.name, attribute.value, here);
  }
  check.close_file(file);
}

void mark_complete(const std::filesystem::path& path) {
  sync_to_disk(path);
  const Check check = check_of(path);
  Handle file = open_to_write(path, check);
  {
    const Handle attribute =
        check.own(H5Aopen_by_name(file.get(), "/", "complete", H5P_DEFAULT, H5P_DEFAULT));
    const std::int64_t complete = 1;
    check(H5Awrite(attribute.get(), H5T_NATIVE_INT64, &complete));
  }
  check.close_file(file);
}

}  // namespace orrery::archive
