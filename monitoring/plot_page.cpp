#include "monitoring/plot_page.hpp"

#include <fmt/format.h>

#include "monitoring/wording.hpp"

namespace troupe::monitoring {

namespace {

constexpr std::string_view light = R"(
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
.page{fill:#fff;stroke:#d0d7de}
.title{fill:#1f2328;font-size:18px;font-weight:600}
.head{fill:#1f2328;font-size:13px;font-weight:600}
.mark{fill:#59636e;font-size:11.5px}
.grid{stroke:#e4e8ec}
.axis{stroke:#8c959f}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.ring{fill:#fff;stroke-width:2}
)";

constexpr std::string_view dark = R"(.page{fill:#0d1117;stroke:#30363d}
.title,.head{fill:#e6edf3}
.mark{fill:#9198a1}
.grid{stroke:#21262d}
.axis{stroke:#6e7681}
.ring{fill:#0d1117}
)";

} // namespace

std::string xml_text(std::string_view text) {
  std::string result;
  for (char c : one_line(text))
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    default:
      result += c;
    }
  return result;
}

std::string plot_page::around(std::string_view body) const {
  const auto name = xml_text(title);
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 880 {1}\" "
      "width=\"880\" height=\"{1}\" role=\"img\">\n"
      "<title>{0}: {2}</title>\n"
      "<style>{3}{4}@media(prefers-color-scheme:dark){{\n{5}{6}}}\n</style>\n"
      "<rect class=\"page\" x=\".5\" y=\".5\" width=\"879\" height=\"{7}\" "
      "rx=\"8\"/>\n"
      "<text class=\"title\" x=\"24\" y=\"36\">{0}</text>\n"
      "<text class=\"mark\" x=\"24\" y=\"56\">{8}</text>\n"
      "{9}</svg>\n",
      name, height, subject, light, styles, dark, dark_styles, height - 1,
      xml_text(subtitle), body);
}

} // namespace troupe::monitoring
