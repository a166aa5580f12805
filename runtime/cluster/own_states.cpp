#include "runtime/cluster/own_states.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "runtime/record/model_file.hpp"
#include "runtime/record/sha256.hpp"

namespace troupe::cluster {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "state-";
constexpr std::string_view suffix = ".safetensors";
constexpr auto tensor_name = "state";
constexpr auto digest_field = "troupe.sha256";

// None for a file of somebody else's.
std::optional<state_name> name_in(std::string_view file) {
  if (!file.starts_with(prefix) || !file.ends_with(suffix))
    return std::nullopt;
  file.remove_prefix(prefix.size());
  file.remove_suffix(suffix.size());
  state_name name = no_state;
  const auto [end, error] =
      std::from_chars(file.data(), file.data() + file.size(), name);
  if (error != std::errc{} || end != file.data() + file.size() ||
      name == no_state)
    return std::nullopt;
  return name;
}

// What a coordinator says becomes a directory of this machine.
fs::path place_of(const fs::path& directory, const std::string& run) {
  const auto is_digit = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  };
  if (run.empty() || run.size() > 64 || !std::ranges::all_of(run, is_digit))
    throw std::runtime_error(
        "the coordinator does not say which run this is: a number of up to 64 "
        "hexadecimal digits");
  return directory / run;
}

fs::path made(files& disk, fs::path directory) {
  disk.make_directories(directory);
  return directory;
}

directory_lock locked(files& disk, const fs::path& directory) {
  if (auto lock = disk.lock(directory))
    return std::move(*lock);
  const auto holder = files::holder(directory);
  throw std::runtime_error(fmt::format("{} is in use by another troupe "
                                       "process{}",
      directory.string(),
      holder > 0 ? fmt::format(" (pid {})", holder) : std::string{}));
}

std::set<state_name> found_in(files& disk, const fs::path& directory) {
  std::set<state_name> result;
  for (const auto& file : disk.list(directory))
    if (const auto name = name_in(file))
      result.insert(*name);
  return result;
}

} // namespace

own_states::own_states(
    const fs::path& directory, const std::string& run, files& disk)
    : disk_(disk),
      root_(made(disk, place_of(directory, run))),
      lock_(locked(disk, root_)),
      kept_(found_in(disk, root_)) {}

fs::path own_states::file_of(state_name name) const {
  return root_ / fmt::format("{}{:020}{}", prefix, name, suffix);
}

void own_states::keep(state_name name, const gpu::shared_buffer& values) {
  const auto span = values->span();
  const gpu::layout layout{{tensor_name, {span.size()}, 0}};
  write_model(disk_, file_of(name), layout, span,
      {{digest_field, sha256(std::as_bytes(span))}});
  kept_.left(name);
  at_hand_[name] = values;
}

gpu::shared_buffer own_states::recall(state_name name) {
  if (!kept_.holds(name))
    miss(name);
  if (name == no_state) {
    kept_.recalled(name);
    remove_dropped();
    return nullptr;
  }
  auto& here = at_hand_[name];
  if (!here)
    here = read(name);
  auto result = here;
  kept_.recalled(name);
  remove_dropped();
  return result;
}

void own_states::settle(state_name name) {
  if (!kept_.settled(name))
    miss(name);
  remove_dropped();
}

void own_states::miss(state_name name) const {
  throw lost_state(
      fmt::format("the run counts on the state {} of this client, which is not "
                  "in {}: bring "
                  "back what was there, or join by another identity",
          name, root_.string()));
}

gpu::shared_buffer own_states::read(state_name name) const {
  const auto path = file_of(name);
  auto file = read_model(disk_, path);
  const auto digest = file.metadata.find(digest_field);
  if (digest == file.metadata.end() ||
      digest->second != sha256(std::as_bytes(file.values->span())))
    throw lost_state(fmt::format("{} is not as it was written: bring back what "
                                 "was there, or join by another identity",
        path.string()));
  return file.values;
}

// What cannot be removed now is found again, and harms nobody.
void own_states::remove_dropped() {
  for (auto name : kept_.take_dropped()) {
    at_hand_.erase(name);
    try {
      disk_.remove(file_of(name));
    } catch (const file_error&) {
    }
  }
}

} // namespace troupe::cluster
