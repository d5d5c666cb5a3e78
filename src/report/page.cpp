#include "page.hpp"

namespace orrery::report {

std::string page_text(const FigureInput&, const std::vector<Figure>&, const std::vector<std::string>&,
                      const std::filesystem::path&) {
  return "<!doctype html>\n";
}

}  // namespace orrery::report
