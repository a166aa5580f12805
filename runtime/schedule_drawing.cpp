#include "runtime/schedule_drawing.hpp"

#include "monitoring/wording.hpp"
#include "protocols/collective/bill.hpp"
#include "protocols/collective/proof.hpp"

#include <fmt/format.h>

namespace troupe {
namespace {

using collective::schedule;
using collective::task;
using collective::verb;

constexpr int left = 90;
constexpr int top = 84;
constexpr int row = 44;
constexpr int column = 150;

constexpr std::string_view style =
    R"(<style>
svg{background:#ffffff}text{font:13px sans-serif;fill:#1f2328}
.title{font-size:16px;font-weight:600}.small{font-size:11px;fill:#59636e}
.rank{stroke:#d1d9e0}.round{stroke:#d1d9e0;stroke-dasharray:2 4}
.add{stroke:#0072b2}.copy{stroke:#d55e00}
.add,.copy{stroke-width:1.6;fill:none}
@media (prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}
.small{fill:#9198a1}.rank,.round{stroke:#3d444d}.add{stroke:#2f93d1}}
</style>
<defs>
<marker id="full" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8Z" fill="#0072b2"/></marker>
<marker id="open" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8" fill="none" stroke="#d55e00" stroke-width="1.5"/></marker>
</defs>
)";

std::string title_of(const task& of) {
  return fmt::format("{} of {} elements by {}, {} rank{}",
      collective::to_string(of.kind), monitoring::grouped(of.count),
      collective::to_string(of.how), of.ranks, of.ranks == 1 ? "" : "s");
}

std::string bill_text(const schedule& x) {
  const auto cost = collective::bill_of(x);
  return fmt::format(
      "{} rounds, {} messages, {} elements sent, {} by one rank at most",
      cost.rounds, monitoring::grouped(cost.messages),
      monitoring::grouped(cost.elements), monitoring::grouped(cost.most));
}

int y_of(std::size_t rank) {
  return top + static_cast<int>(rank) * row;
}

std::string arrow(const collective::step& x, std::size_t to) {
  const auto begin = left + static_cast<int>(x.round) * column + 14;
  const auto end = begin + column - 28;
  const bool adds = x.what == verb::add || x.what == verb::join;
  return fmt::format("<path class=\"{}\" d=\"M{} {}L{} {}\" "
                     "marker-end=\"url(#{})\"><title>round {}: rank {} to rank "
                     "{}, [{}, {})</title></path>\n",
      adds ? "add" : "copy", begin, y_of(x.peer), end, y_of(to),
      adds ? "full" : "open", x.round, x.peer, to, x.part.begin, x.part.end);
}

} // namespace

std::string schedule_text(
    const task& of, double alpha_seconds, double bytes_per_second) {
  const auto what = collective::schedule_of(of);
  const auto wrong =
      of.ranks <= collective::most_proven ? collective::fault_of(what, of) : "";
  auto text = title_of(of) + '\n' + bill_text(what) + '\n';
  text += fmt::format(
      "{:.1f} us at {:.1f} us a message and {:.2f} GB/s, 4 bytes an element\n",
      1e6 * collective::seconds_of(
                what, {alpha_seconds, 4.0 / bytes_per_second, 0.0}),
      1e6 * alpha_seconds, bytes_per_second / 1e9);
  text += of.ranks > collective::most_proven ? "not proven: too many ranks\n"
          : wrong.empty() ? "proven: every part once at every rank\n"
                          : "wrong: " + wrong + '\n';
  return text + '\n' + to_text(what);
}

std::string schedule_drawing(const task& of) {
  const auto what = collective::schedule_of(of);
  const auto rounds = static_cast<int>(rounds_of(what));
  const auto width = std::max(520, left + rounds * column + 30);
  const auto height = y_of(of.ranks) + 20;
  auto text = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" "
                          "viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
                          "height=\"{1}\">\n<title>{2}</title>\n",
      width, height, title_of(of));
  text += style;
  text += fmt::format("<text class=\"title\" x=\"20\" y=\"28\">{}</text>\n"
                      "<text class=\"small\" x=\"20\" y=\"48\">{}</text>\n",
      title_of(of), bill_text(what));
  for (int round = 0; round < rounds; ++round) {
    const auto x = left + round * column;
    text += fmt::format("<path class=\"round\" d=\"M{0} {1}V{2}\"/>\n"
                        "<text class=\"small\" x=\"{3}\" y=\"{4}\" "
                        "text-anchor=\"middle\">round {5}</text>\n",
        x, top - 14, y_of(of.ranks - 1) + 14, x + column / 2, top - 18, round);
  }
  for (std::uint32_t r = 0; r < of.ranks; ++r)
    text += fmt::format("<text x=\"20\" y=\"{}\">rank {}</text>\n"
                        "<path class=\"rank\" d=\"M{} {}H{}\"/>\n",
        y_of(r) + 4, r, left, y_of(r), left + rounds * column);
  for (std::uint32_t r = 0; r < of.ranks; ++r)
    for (const auto& each : what.ranks[r])
      if (each.what != verb::send)
        text += arrow(each, r);
  text += fmt::format("<text class=\"small\" x=\"20\" y=\"{}\">full head: "
                      "added; open head: takes the place of what was "
                      "there</text>\n</svg>\n",
      height - 8);
  return text;
}

} // namespace troupe
