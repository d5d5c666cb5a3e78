#pragma once

#include "orrery/model/description.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace orrery::model {

/// Reads FOLDER/config.json. Throws bad_input naming the file, the field, what was seen and what is
/// supported.
using ReadDescription = std::unique_ptr<Description> (*)(const std::filesystem::path& folder);

/// A family of models by its `model_type` in config.json. One that is defined at namespace scope is known
/// before `main`: a program has the families that are linked into it beside those of the room's own list.
class Family {
 public:
  Family(std::string model_type, ReadDescription read);
};

/// The description of the model in a folder, by its config.json's `model_type`. Of a type that is no
/// family's, and where there is none, the first family's reader says what it thinks of it.
std::unique_ptr<Description> read_description(const std::filesystem::path& folder);

}  // namespace orrery::model
