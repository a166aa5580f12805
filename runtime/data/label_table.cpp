#include "runtime/data/label_table.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace troupe::data {

namespace {

template <class Counts>
std::string line(const std::string& name, const Counts& counts) {
  auto sum = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  auto result = fmt::format("{:>7} {:>8} |", name, sum);
  for (auto count : counts)
    result += fmt::format(" {:>6}", count);
  return result + "\n";
}

} // namespace

label_table tabulate(std::span<const training::view> clients) {
  label_table table;
  table.clients = clients.size();
  for (const auto& samples : clients)
    if (!samples.empty())
      table.classes = std::max(table.classes, samples.set().classes);
  table.counts.resize(table.clients * table.classes);
  for (std::size_t client = 0; client < clients.size(); ++client)
    for (std::size_t i = 0; i < clients[client].size(); ++i)
      ++table.counts[client * table.classes + clients[client].label(i)];
  return table;
}

std::string to_text(const label_table& table, std::size_t rows) {
  auto text = fmt::format("{:>7} {:>8} |", "client", "samples");
  for (std::size_t label = 0; label < table.classes; ++label)
    text += fmt::format(" {:>6}", label);
  text += "\n";
  std::vector<std::uint64_t> sums(table.classes);
  for (std::size_t client = 0; client < table.clients; ++client) {
    auto row =
        std::span{table.counts}.subspan(client * table.classes, table.classes);
    for (std::size_t label = 0; label < row.size(); ++label)
      sums[label] += row[label];
    if (client < rows)
      text += line(std::to_string(client), row);
  }
  if (table.clients > rows)
    text += fmt::format("{:>7} {} more clients\n", "...", table.clients - rows);
  return text + line("all", sums);
}

} // namespace troupe::data
