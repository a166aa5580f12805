#include "runtime/record/checkpoint_states.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "runtime/record/model_file.hpp"

namespace troupe {
namespace {

constexpr std::string_view prefix = "client.";

std::optional<client_id> client_in(std::string_view name) {
  if (!name.starts_with(prefix))
    return std::nullopt;
  name.remove_prefix(prefix.size());
  client_id client = 0;
  auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), client);
  if (error != std::errc{} || end != name.data() + name.size())
    return std::nullopt;
  return client;
}

} // namespace

void write_states(
    files& disk, const std::filesystem::path& path, const state_table& states) {
  gpu::layout layout;
  std::vector<std::span<const float>> pieces;
  std::size_t offset = 0;
  const auto all = states.all();
  for (const auto& [client, values] : all) {
    pieces.push_back(values->span());
    layout.push_back(
        {fmt::format("{}{}", prefix, client), {values->size()}, offset});
    offset += values->size();
  }
  write_model(disk, path, layout, pieces, {});
}

state_table read_states(files& disk, const std::filesystem::path& path) {
  const auto file = read_model(disk, path);
  std::vector<client_state> all;
  for (const auto& view : file.layout) {
    const auto client = client_in(view.name);
    if (!client)
      throw bad_file(path, 8,
          fmt::format(
              "tensors \"{}0\" and so on, not \"{}\"", prefix, view.name));
    auto values = std::make_shared<gpu::buffer>(view.size());
    std::ranges::copy(file.values->span().subspan(view.offset, view.size()),
        values->span().begin());
    all.push_back({*client, std::move(values)});
  }
  return state_table{all};
}

} // namespace troupe
