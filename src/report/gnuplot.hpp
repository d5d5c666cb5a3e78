#pragma once

#include "figure.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace orrery::report {

/// "svg", "pdf", "png": what gnuplot can make of a figure.
inline const std::vector<std::string>& picture_formats() {
  static const std::vector<std::string> formats = {"svg", "pdf", "png"};
  return formats;
}

/// The numbers of a figure as text: a block of columns for each layer, named in a comment before it, with two
/// empty lines between, so that gnuplot's `index` counts them. Every number reads back to the same bits.
std::string data_text(const Figure& figure);

/// Runs gnuplot in `folder`, where NAME.dat and NAME.gp lie, for these formats; the pictures are the same
/// bytes each time. Throws helper_missing where there is no gnuplot, internal_error with its words where it
/// fails, io_error where a picture can't be read or written.
void draw(const std::filesystem::path& folder, const Figure& figure, const std::vector<std::string>& formats);

}  // namespace orrery::report
