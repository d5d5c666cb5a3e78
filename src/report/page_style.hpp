#pragma once

namespace orrery::report {

/// The page's style sheet: light and dark, phone to desktop, and print.
extern const char* const page_style;

}  // namespace orrery::report
