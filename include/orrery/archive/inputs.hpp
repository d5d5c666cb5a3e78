#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace orrery::archive {

/// What a command reads: a file, or a folder whose files it reads.
struct Input {
  std::string option;          ///< by which it was given: "--trace"
  std::filesystem::path path;  ///< may be empty, or name nothing
};

/// Throws usage_error where one of `written` is an input, or a file of an input that is a folder: the very
/// same file, whatever it is called, through links and relative paths too. HDF5 files in a folder are no part
/// of the input: an earlier result may lie there. Looks, and changes nothing.
void require_no_input(const std::vector<std::filesystem::path>& written, const std::vector<Input>& inputs);

/// The same of all that making the output OUT may replace or remove: OUT, and OUT.part with what is in it. It
/// also throws where OUT would be taken for one of the files of an input folder.
void require_no_input_at(const std::filesystem::path& out, const std::vector<Input>& inputs);

}  // namespace orrery::archive
