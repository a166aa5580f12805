#include "runtime/pipeline_drawing.hpp"

#include "protocols/pipeline/formula.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace troupe {
namespace {

using pipeline::box;
using pipeline::costs;
using pipeline::plan;
using pipeline::timetable;
using kind = pipeline::work::kind;

constexpr int left = 90;
constexpr int top = 84;
constexpr int row = 34;
constexpr int high = 26;
constexpr int widest = 1600;
constexpr std::size_t longest = 2000; // characters of a line

constexpr std::string_view style =
    R"(<style>
svg{background:#ffffff}text{font:13px sans-serif;fill:#1f2328}
.title{font-size:16px;font-weight:600}.small{font-size:11px;fill:#59636e}
.rank{fill:#eaeef2}.box{stroke:#ffffff}.in{font-size:11px;fill:#ffffff;text-anchor:middle}
.forward{fill:#0072b2}.backward{fill:#b34e00}.weight{fill:#00795a}.update{fill:#1f2328}
@media (prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}
.small{fill:#9198a1}.rank{fill:#212830}.box{stroke:#0d1117}.in{fill:#ffffff}.update{fill:#e6edf3}}
</style>
)";

std::string title_of(const plan& of) {
  const auto some = [](std::uint64_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
  };
  auto text = fmt::format("{}, {}", to_string(of.how), some(of.ranks, "rank"));
  if (of.chunks > 1)
    text += fmt::format(" of {}", some(of.chunks, "chunk"));
  text += ", " + some(of.micro_batches, "micro-batch");
  if (text.ends_with("micro-batchs"))
    text.replace(text.size() - 1, 1, "es");
  if (of.steps > 1)
    text += fmt::format(" a step, {}", some(of.steps, "step"));
  return text;
}

std::string costs_text(const plan& of, const costs& at) {
  auto text = fmt::format(
      "forward {}, backward {}", at.forward, cost_of(of, at, kind::backward));
  if (of.split())
    text += fmt::format(", weights {}", at.weight);
  if (at.update > 0)
    text += fmt::format(", update {}", at.update);
  return text + fmt::format(", transfer {}", at.transfer);
}

std::string bubble_text(
    const plan& of, const costs& at, const timetable& list) {
  const auto said = bubble_formula(of, at);
  return fmt::format("{} long, {:.1f} % idle{}", list.makespan,
      100.0 * list.bubble(),
      said ? fmt::format(", {:.1f} % by the formula", 100.0 * *said)
           : std::string{});
}

std::string label_of(const plan& of, const box& x) {
  constexpr std::string_view letters = "FBWU";
  auto text = fmt::format(
      "{}{}", letters[static_cast<std::size_t>(x.what.what)], x.what.of);
  if (of.chunks > 1 && x.what.what != kind::update)
    text += static_cast<char>('a' + x.what.chunk);
  return text;
}

std::string columns_of(
    const plan& of, const timetable::row& who, std::size_t width) {
  std::string text;
  for (const auto& each : who.boxes) {
    if (each.begin == each.end)
      continue;
    for (auto at = text.size() / width; at < each.begin; ++at)
      text += fmt::format("{:<{}}", ".", width);
    text += fmt::format(
        "{:-<{}} ", label_of(of, each), (each.end - each.begin) * width - 1);
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string rect_of(const plan& of, const box& x, int y, double scale) {
  const auto wide = static_cast<double>(x.end - x.begin) * scale;
  const auto begin = left + static_cast<double>(x.begin) * scale;
  const auto label = label_of(of, x);
  const auto lighter = 1.0 - 0.25 * x.what.chunk / of.chunks;
  auto text = fmt::format(
      "<rect class=\"box {}\" x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" "
      "height=\"{}\" fill-opacity=\"{:.2f}\"><title>{} of {}, chunk {}: {} to "
      "{}</title></rect>\n",
      to_string(x.what.what), begin, y, wide, high, lighter,
      to_string(x.what.what), x.what.of, x.what.chunk, x.begin, x.end);
  if (wide >= 7.0 * static_cast<double>(label.size()))
    text += fmt::format("<text class=\"in\" x=\"{:.1f}\" y=\"{}\">{}</text>\n",
        begin + wide / 2, y + high / 2 + 4, label);
  return text;
}

} // namespace

std::string pipeline_text(const plan& of, const costs& at) {
  const auto list = list_of(of, at);
  auto text = fmt::format("{}\n{}\n{}\n\n", title_of(of), costs_text(of, at),
      bubble_text(of, at, list));
  std::size_t width = 0;
  for (const auto& each : list.ranks)
    for (const auto& one : each.boxes)
      width = std::max(width, label_of(of, one).size() + 1);
  if (list.makespan * width > longest)
    text += "too long for a line\n";
  else
    for (std::uint32_t r = 0; r < of.ranks; ++r)
      text += fmt::format(
          "rank {:<3} {}\n", r, columns_of(of, list.ranks[r], width));
  text += fmt::format("\n{:<8} {:>8} {:>8} {:>8} {:>8}\n", "", "idle", "traces",
      "kept", "credits");
  for (std::uint32_t r = 0; r < of.ranks; ++r) {
    const auto& who = list.ranks[r];
    text += fmt::format("rank {:<3} {:>8} {:>8} {:>8} {:>8}\n", r, list.idle(r),
        who.held, who.kept, who.in_use);
  }
  return text;
}

std::string pipeline_drawing(const plan& of, const costs& at) {
  const auto list = list_of(of, at);
  const auto span =
      static_cast<double>(std::max(list.makespan, pipeline::ticks{1}));
  const auto scale = std::min(30.0, widest / span);
  const auto end = left + static_cast<int>(span * scale);
  const auto y_of = [](std::uint32_t r) {
    return top + static_cast<int>(r) * row;
  };
  const auto width = std::max(520, end + 30);
  const auto height = y_of(of.ranks) + 30;
  auto text = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" "
                          "viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
                          "height=\"{1}\">\n<title>{2}</title>\n",
      width, height, title_of(of));
  text += style;
  text += fmt::format("<text class=\"title\" x=\"20\" y=\"28\">{}</text>\n"
                      "<text class=\"small\" x=\"20\" y=\"48\">{}</text>\n"
                      "<text class=\"small\" x=\"20\" y=\"64\">{}</text>\n",
      title_of(of), bubble_text(of, at, list), costs_text(of, at));
  for (std::uint32_t r = 0; r < of.ranks; ++r) {
    text += fmt::format("<text x=\"20\" y=\"{}\">rank {}</text>\n"
                        "<rect class=\"rank\" x=\"{}\" y=\"{}\" width=\"{}\" "
                        "height=\"{}\"><title>idle for {}</title></rect>\n",
        y_of(r) + high / 2 + 4, r, left, y_of(r), end - left, high,
        list.idle(r));
    for (const auto& each : list.ranks[r].boxes)
      if (each.begin < each.end)
        text += rect_of(of, each, y_of(r), scale);
  }
  text += fmt::format("<text class=\"small\" x=\"20\" y=\"{}\">F forward, B "
                      "backward, W gradients of weights, with the "
                      "micro-batch; grey is idle</text>\n</svg>\n",
      height - 10);
  return text;
}

} // namespace troupe
