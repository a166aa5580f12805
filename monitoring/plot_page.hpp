#pragma once

#include <string>
#include <string_view>

namespace troupe::monitoring {

/// `text` on one line, as XML has it between tags and in attributes.
std::string xml_text(std::string_view text);

/// An SVG document of its own, 880 units wide: no script, no font and no file
/// besides. Light or dark as the reader prefers.
struct plot_page {
  std::string title;
  std::string_view subject; ///< what it shows, for who does not see it
  std::string subtitle;     ///< a line below the title
  int height = 376;
  std::string_view styles;      ///< CSS of the curves' classes: in the light,
  std::string_view dark_styles; ///< and what the dark changes

  /// The document around `body`, which is SVG elements. Classes to use: title,
  /// head and mark for text; grid, axis and line for paths; ring for circles.
  std::string around(std::string_view body) const;
};

} // namespace troupe::monitoring
