#include "runtime/record/checkpoint_states.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "protocols/state_name.hpp"
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

// Takes a number from the front of a text, and what is behind it.
template <class Number>
bool take_number(std::string_view& text, Number& value, char behind) {
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{})
    return false;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  if (text.empty())
    return behind == ' '; // the last one
  if (text.front() != behind)
    return false;
  text.remove_prefix(1);
  return true;
}

} // namespace

state_table states_here(const state_table& all) {
  auto some = all.all();
  std::erase_if(some, [](const auto& each) { return !each.values.here; });
  return state_table{some};
}

std::string names_elsewhere(const state_table& all) {
  std::string text;
  for (const auto& [client, values] : all.all())
    if (!values.here)
      text += fmt::format("{}{}:{}:{}", text.empty() ? "" : " ", client,
          values.id, values.count);
  return text;
}

bool take_names_elsewhere(std::string_view text, state_table& to) {
  std::vector<client_state> some;
  while (!text.empty()) {
    client_id client = 0;
    state_name name = no_state;
    std::uint64_t count = 0;
    if (!take_number(text, client, ':') || !take_number(text, name, ':') ||
        !take_number(text, count, ' ') || name == no_state || count == 0)
      return false;
    some.push_back({client, state_elsewhere(name, count)});
  }
  to.take(some);
  return true;
}

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
