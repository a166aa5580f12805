#include "runtime/simulation/trace.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace troupe::simulation {
namespace {

constexpr double longest = 1e9; // virtual seconds, about thirty years

std::vector<std::string_view> cut(std::string_view line) {
  std::vector<std::string_view> result;
  for (auto comma = line.find(','); comma != std::string_view::npos;
       comma = line.find(',')) {
    result.push_back(line.substr(0, comma));
    line.remove_prefix(comma + 1);
  }
  result.push_back(line);
  return result;
}

class reader {
public:
  reader(std::string_view name, std::size_t clients)
      : name_(name), clients_(clients) {}

  void take(std::string_view line) {
    ++line_;
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (line.empty() || line.starts_with('#'))
      return;
    const auto fields = cut(line);
    if (std::ranges::find(fields, "client") != fields.end())
      return begin(fields);
    if (columns_.empty())
      refuse("no line has named the columns yet, like client,start,end");
    if (fields.size() != columns_.size())
      refuse("it has {} fields, and there are {} columns", fields.size(),
          columns_.size());
    row_.clear();
    for (std::size_t i = 0; i < fields.size(); ++i)
      row_[std::string{columns_[i]}] = number(columns_[i], fields[i]);
    const auto client = whose();
    if (of_stays_)
      stay(client);
    else
      speed(client);
  }

  [[noreturn]] void tear() {
    ++line_;
    refuse("it is torn: a trace ends with the end of a line");
  }

  trace result() {
    for (auto& [client, stays] : all_.stays) {
      auto& lines = lines_[client];
      std::vector<std::size_t> order(stays.size());
      for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
      std::ranges::sort(
          order, {}, [&](std::size_t i) { return stays[i].start; });
      std::vector<trace::stay> sorted;
      for (std::size_t i = 0; i < order.size(); ++i) {
        const auto& next = stays[order[i]];
        if (i > 0 && next.start < sorted.back().end) {
          line_ = std::max(lines[order[i]], lines[order[i - 1]]);
          refuse("client {} is there already: line {} has it until {}", client,
              std::min(lines[order[i]], lines[order[i - 1]]),
              seconds(sorted.back().end.time_since_epoch()));
        }
        sorted.push_back(next);
      }
      stays = std::move(sorted);
    }
    return std::move(all_);
  }

private:
  template <class... Values>
  [[noreturn]] void refuse(
      fmt::format_string<Values...> text, Values&&... values) const {
    throw bad_trace(fmt::format("{}:{}: {}", name_, line_,
        fmt::format(text, std::forward<Values>(values)...)));
  }

  void begin(const std::vector<std::string_view>& names) {
    auto sorted = names;
    std::ranges::sort(sorted);
    of_stays_ =
        sorted == std::vector<std::string_view>{"client", "end", "start"};
    const auto of_speeds = sorted == std::vector<std::string_view>{"client",
                                         "down", "samples_per_second", "up"};
    if (!of_stays_ && !of_speeds)
      refuse("the columns are neither client,start,end nor "
             "client,samples_per_second,down,up");
    columns_.assign(names.begin(), names.end());
  }

  double number(std::string_view column, std::string_view text) const {
    double value = 0.0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc{} || read.ptr != end || !(value >= 0.0) ||
        value > 1e15)
      refuse("{} = {} is no number from 0 up", column, text);
    return value;
  }

  client_id whose() const {
    const auto client = row_.at("client");
    if (client >= double(clients_) || client != double(client_id(client)))
      refuse("client {} is not one of 0 to {}", client, clients_ - 1);
    return static_cast<client_id>(client);
  }

  void stay(client_id client) {
    const auto start = row_.at("start"), end = row_.at("end");
    if (end > longest)
      refuse("client {} goes at {}, and no clock goes beyond {}", client, end,
          longest);
    const trace::stay found{instant{from_seconds(std::min(start, longest))},
        instant{from_seconds(end)}};
    if (found.end <= found.start) // by the clock, which has nanoseconds
      refuse("client {} goes at {}, and comes at {}", client, end, start);
    all_.stays[client].push_back(found);
    lines_[client].push_back(line_);
  }

  void speed(client_id client) {
    const trace::speeds found{
        row_.at("samples_per_second"), row_.at("down"), row_.at("up")};
    if (found.samples_per_second <= 0.0)
      refuse("client {} would never be done: samples_per_second = 0", client);
    const auto [before, is_new] = speed_lines_.emplace(client, line_);
    if (!is_new)
      refuse("client {} has its speeds in line {} already", client,
          before->second);
    all_.of[client] = found;
  }

  std::string_view name_;
  std::size_t clients_;
  std::size_t line_ = 0;
  std::vector<std::string> columns_;
  bool of_stays_ = false;
  std::map<std::string, double> row_;
  std::map<client_id, std::vector<std::size_t>> lines_; ///< of the stays
  std::map<client_id, std::size_t> speed_lines_;
  trace all_;
};

} // namespace

trace parse_trace(
    std::string_view text, std::string_view name, std::size_t clients) {
  reader all{name, clients};
  for (auto end = text.find('\n'); end != std::string_view::npos;
       end = text.find('\n')) {
    all.take(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  if (!text.empty())
    all.tear();
  return all.result();
}

trace read_trace(
    files& disk, const std::filesystem::path& file, std::size_t clients) {
  return parse_trace(disk.read_all(file), file.string(), clients);
}

} // namespace troupe::simulation
