#include "runtime/record/checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "runtime/record/checkpoint_fields.hpp"
#include "runtime/record/checkpoint_parts.hpp"
#include "runtime/record/checkpoint_states.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/record/sha256.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;

// Whether the tensors of a file are those of `layout`, in whichever order.
bool is_of(const gpu::layout& layout, const gpu::layout& in_file) {
  auto same = [](const auto& a, const auto& b) {
    return a.name == b.name && a.shape == b.shape;
  };
  return std::is_permutation(
      in_file.begin(), in_file.end(), layout.begin(), layout.end(), same);
}

// As it was written, whichever model it is of. Python's library may have put
// the tensors into another order since: the seal is over the model's.
model_file sound_model(
    files& disk, const fs::path& path, const gpu::layout& layout) {
  auto file = read_model(disk, path);
  if (is_of(layout, file.layout)) {
    file.values = gathered(path, file, layout);
    file.layout = layout;
  }
  expect_seal(path, file.metadata, sha256(std::as_bytes(file.values->span())));
  return file;
}

checkpoint read_whole(
    files& disk, const fs::path& path, const gpu::layout& layout) {
  auto file =
      or_advise("the file", [&] { return sound_model(disk, path, layout); });
  checkpoint result;
  result.parameters =
      layout.empty() ? file.values : gathered(path, file, layout);
  read_fields(path, file.metadata, result);
  return result;
}

std::string write_whole(files& disk, const fs::path& path,
    const gpu::layout& layout, const checkpoint& what) {
  auto values = what.parameters->span();
  auto digest = sha256(std::as_bytes(values));
  auto fields = fields_of(what);
  fields["troupe.seal"] = seal_of(fields, digest);
  write_model(disk, path, layout, values, fields);
  return digest;
}

// The version in a name like "version-00000012.json"; none: it is no such name.
std::optional<version_id> version_in(
    std::string_view name, std::string_view suffix) {
  constexpr std::string_view prefix = "version-";
  if (!name.starts_with(prefix) || !name.ends_with(suffix))
    return std::nullopt;
  auto digits = name.substr(prefix.size());
  digits.remove_suffix(suffix.size());
  version_id version = 0;
  auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), version);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return std::nullopt;
  return version;
}

} // namespace

std::string version_prefix(version_id version) {
  return fmt::format("version-{:08}.", version);
}

std::string checkpoint_name(version_id version) {
  return version_prefix(version) + "safetensors";
}

std::string manifest_name(version_id version) {
  return version_prefix(version) + "json";
}

fs::path checkpoint_path(const fs::path& directory, version_id version) {
  auto manifest = directory / manifest_name(version);
  return files::exists(manifest) ? manifest
                                 : directory / checkpoint_name(version);
}

bool is_manifest(const fs::path& path) {
  return path.extension() == ".json";
}

std::string write_checkpoint(files& disk, const fs::path& directory,
    const gpu::layout& layout, const checkpoint& what, std::size_t shards) {
  if (shards == 1 && what.blocks.empty() && states_here(what.states).empty())
    return write_whole(
        disk, directory / checkpoint_name(what.version), layout, what);
  return write_parts(disk, directory, what, shards);
}

checkpoint read_checkpoint(
    files& disk, const fs::path& path, const gpu::layout& layout) {
  if (is_manifest(path))
    return or_advise(path.filename().string(),
        [&] { return read_parts(disk, path, layout); });
  return read_whole(disk, path, layout);
}

void remove_checkpoint(
    files& disk, const fs::path& directory, version_id version) {
  disk.remove(directory / manifest_name(version));
  disk.remove(directory / checkpoint_name(version));
  remove_orphans(disk, directory);
}

std::vector<version_id> stored_versions(
    files& disk, const fs::path& directory) {
  std::set<version_id> found;
  if (files::exists(directory))
    for (const auto& name : disk.list(directory))
      for (auto suffix : {".safetensors", ".json"})
        if (auto version = version_in(name, suffix))
          found.insert(*version);
  return {found.begin(), found.end()};
}

} // namespace troupe
