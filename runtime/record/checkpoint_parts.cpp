#include "runtime/record/checkpoint_parts.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gpu/range.hpp"
#include "runtime/record/checkpoint_fields.hpp"
#include "runtime/record/checkpoint_states.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/record/sha256.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr auto parameters_digest = "troupe.parameters_sha256";
constexpr auto parameters_count = "troupe.parameters";
constexpr auto part_field = "troupe.part.";
constexpr auto states_field = "troupe.clients";
constexpr auto part_infix = ".shard-";
constexpr auto states_infix = ".clients.";

std::string part_name(version_id version, std::size_t shard, std::size_t of) {
  return fmt::format(
      "{}shard-{}-of-{}.safetensors", version_prefix(version), shard + 1, of);
}

std::string states_name(version_id version) {
  return version_prefix(version) + "clients.safetensors";
}

// All blocks of a version by name, the parameters first.
named_blocks all_blocks(const checkpoint& what) {
  named_blocks result{{"parameters", what.parameters}};
  result.insert(result.end(), what.blocks.begin(), what.blocks.end());
  return result;
}

// Of one shard: each block's range, one behind the other.
void write_part(files& disk, const fs::path& path, const named_blocks& blocks,
    std::size_t shard, std::size_t of) {
  gpu::layout layout;
  std::vector<std::span<const float>> pieces;
  std::size_t offset = 0;
  for (const auto& block : blocks) {
    auto range = gpu::range_of(shard, of, block.values->size());
    pieces.push_back(range.of(block.values->span()));
    layout.push_back({block.name, {range.size}, offset});
    offset += range.size;
  }
  write_model(disk, path, layout, pieces, {});
}

metadata read_manifest(files& disk, const fs::path& path) {
  auto text = json::parse(disk.read_all(path), nullptr, false);
  metadata fields;
  if (text.is_object())
    for (const auto& [key, value] : text.items())
      if (value.is_string())
        fields[key] = value.get<std::string>();
  if (fields.empty() || fields.size() != text.size())
    throw bad_file(path, 0, "a manifest, a JSON object of texts");
  expect_seal(path, fields, field_of(path, fields, parameters_digest));
  return fields;
}

// The parts by the manifest: a file's name and digest each.
struct part {
  std::string name;
  std::string sha256;
};

// As the manifest names one: "NAME SHA256".
std::string text_of(
    files& disk, const fs::path& directory, const std::string& name) {
  return name + " " + sha256_of(disk, directory / name);
}

part part_from(const std::string& text) {
  auto blank = text.find(' ');
  return {text.substr(0, blank), text.substr(blank + 1)};
}

std::vector<part> parts_of(const metadata& fields) {
  std::vector<part> result;
  auto at = [&](std::size_t i) {
    return fields.find(fmt::format("{}{}", part_field, i + 1));
  };
  for (auto found = at(0); found != fields.end(); found = at(result.size()))
    result.push_back(part_from(found->second));
  return result;
}

// A part that is there, and as it was written.
fs::path sound_part(files& disk, const fs::path& manifest, const part& of) {
  auto path = manifest.parent_path() / of.name;
  if (!files::exists(path))
    throw bad_file(
        manifest, 0, fmt::format("{} beside it, which is missing", of.name));
  if (sha256_of(disk, path) != of.sha256)
    throw bad_file(
        path, 0, "a part as it was written; its checksum does not fit");
  return path;
}

// Fills the blocks from their parts; the first one says which blocks there are.
class assembly {
public:
  assembly(const fs::path& manifest, std::size_t size)
      : manifest_(manifest), size_(size) {}

  void take(files& disk, const part& from, std::size_t shard, std::size_t of) {
    auto path = sound_part(disk, manifest_, from);
    auto file = read_model(disk, path);
    auto range = gpu::range_of(shard, of, size_);
    if (blocks_.empty())
      for (const auto& view : file.layout)
        blocks_.emplace_back(view.name, std::make_shared<gpu::buffer>(size_));
    if (file.layout.size() != blocks_.size())
      throw bad_file(path, 8, "the blocks that the other parts have");
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const auto& view = file.layout[i];
      if (view.name != blocks_[i].first || view.size() != range.size)
        throw bad_file(path, 8,
            fmt::format(
                "{} values of the block \"{}\"", range.size, blocks_[i].first));
      auto given = file.values->span().subspan(view.offset, view.size());
      std::ranges::copy(given, range.of(blocks_[i].second->span()).begin());
    }
  }

  named_blocks result() {
    named_blocks all;
    for (auto& [name, values] : blocks_)
      all.push_back({name, std::move(values)});
    return all;
  }

private:
  const fs::path& manifest_;
  std::size_t size_;
  std::vector<std::pair<std::string, std::shared_ptr<gpu::buffer>>> blocks_;
};

} // namespace

std::string write_parts(files& disk, const fs::path& directory,
    const checkpoint& what, std::size_t shards) {
  auto fields = fields_of(what);
  const auto blocks = all_blocks(what);
  for (std::size_t i = 0; i < shards; ++i) {
    auto name = part_name(what.version, i, shards);
    write_part(disk, directory / name, blocks, i, shards);
    fields[fmt::format("{}{}", part_field, i + 1)] =
        text_of(disk, directory, name);
  }
  if (const auto here = states_here(what.states); !here.empty()) {
    auto name = states_name(what.version);
    write_states(disk, directory / name, here);
    fields[states_field] = text_of(disk, directory, name);
  }
  auto digest = sha256(std::as_bytes(what.parameters->span()));
  fields[parameters_digest] = digest;
  fields[parameters_count] = std::to_string(what.parameters->size());
  fields["troupe.seal"] = seal_of(fields, digest);
  disk.write_atomically(
      directory / manifest_name(what.version), json(fields).dump(2) + "\n");
  return digest;
}

checkpoint read_parts(
    files& disk, const fs::path& manifest, const gpu::layout& layout) {
  auto fields = read_manifest(disk, manifest);
  auto size = number_of<std::size_t>(manifest, fields, parameters_count);
  if (!layout.empty() && size != gpu::size(layout))
    throw bad_file(manifest, 0,
        fmt::format("{} parameters, as the model has them, not {}",
            gpu::size(layout), size));
  assembly all{manifest, size};
  auto parts = parts_of(fields);
  for (std::size_t i = 0; i < parts.size(); ++i)
    all.take(disk, parts[i], i, parts.size());
  checkpoint result;
  result.blocks = all.result();
  if (result.blocks.empty() || result.blocks.front().name != "parameters")
    throw bad_file(manifest, 0, "parts that begin with the parameters");
  result.parameters = result.blocks.front().values;
  result.blocks.erase(result.blocks.begin());
  if (auto found = fields.find(states_field); found != fields.end())
    result.states =
        read_states(disk, sound_part(disk, manifest, part_from(found->second)));
  read_fields(manifest, fields, result);
  return result;
}

// That a manifest is gone has to be for good, before its parts are.
void remove_orphans(files& disk, const fs::path& directory) {
  std::vector<std::string> orphans;
  for (const auto& name : disk.list(directory)) {
    auto part = std::min(name.find(part_infix), name.find(states_infix));
    if (name.starts_with("version-") && part != std::string::npos &&
        !files::exists(directory / (name.substr(0, part) + ".json")))
      orphans.push_back(name);
  }
  if (!orphans.empty())
    disk.sync_directory(directory);
  for (const auto& name : orphans)
    disk.remove(directory / name);
}

} // namespace troupe
