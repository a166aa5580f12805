#include "runtime/record/checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

#include <fmt/format.h>

#include "runtime/record/model_file.hpp"
#include "runtime/record/sha256.hpp"

namespace troupe {
namespace {

constexpr std::string_view prefix = "version-";
constexpr std::string_view suffix = ".safetensors";

std::string to_hex(const caf::byte_buffer& bytes) {
  std::string text;
  for (auto byte : bytes)
    fmt::format_to(
        std::back_inserter(text), "{:02x}", static_cast<unsigned>(byte));
  return text;
}

bool from_hex(std::string_view text, caf::byte_buffer& bytes) {
  for (; text.size() >= 2; text.remove_prefix(2)) {
    unsigned value = 0;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + 2, value, 16);
    if (error != std::errc{} || end != text.data() + 2)
      return false;
    bytes.push_back(static_cast<caf::byte>(value));
  }
  return text.empty();
}

// Over everything that is read back, so that no altered byte goes unnoticed.
std::string seal_of(const metadata& fields, const std::string& parameters) {
  std::string all = parameters;
  for (const auto& [key, value] : fields)
    if (key != "troupe.seal")
      all += fmt::format("\n{}={}", key, value);
  return sha256(std::as_bytes(std::span{all}));
}

// Calls `each` with the key and the text of every digest.
template <class Provenance, class Each>
void for_each_digest(Provenance& from, Each&& each) {
  each("troupe.features_sha256", from.features);
  each("troupe.labels_sha256", from.labels);
  each("troupe.test_features_sha256", from.test_features);
  each("troupe.test_labels_sha256", from.test_labels);
  each("troupe.initial_sha256", from.initial);
}

// Reads one field of a checkpoint's metadata.
class field_source {
public:
  field_source(const std::filesystem::path& path, const metadata& fields)
      : path_(path), fields_(fields) {}

  const std::string& text(const std::string& key) const {
    auto found = fields_.find(key);
    if (found == fields_.end())
      throw bad_file(
          path_, 8, fmt::format("a checkpoint; its metadata has no {}", key));
    return found->second;
  }

  /// Of a field that may be missing.
  std::string text_if_any(const std::string& key) const {
    auto found = fields_.find(key);
    return found == fields_.end() ? std::string{} : found->second;
  }

  template <class Number>
  Number number(const std::string& key) const {
    const auto& digits = text(key);
    Number value{};
    auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size())
      throw bad_file(
          path_, 8, fmt::format("a number as {}, not \"{}\"", key, digits));
    return value;
  }

private:
  const std::filesystem::path& path_;
  const metadata& fields_;
};

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
    files& disk, const std::filesystem::path& path, const gpu::layout& layout) {
  try {
    auto file = read_model(disk, path);
    if (is_of(layout, file.layout)) {
      file.values = gathered(path, file, layout);
      file.layout = layout;
    }
    auto digest = sha256(std::as_bytes(file.values->span()));
    auto seal = field_source{path, file.metadata}.text("troupe.seal");
    if (seal_of(file.metadata, digest) != seal)
      throw bad_file(
          path, 0, "a checkpoint as it was written; its checksum does not fit");
    return file;
  } catch (const bad_file& e) {
    throw bad_file(e, "Remove the file to resume from the one before it");
  }
}

} // namespace

std::string checkpoint_name(version_id version) {
  return fmt::format("{}{:08}{}", prefix, version, suffix);
}

std::string write_checkpoint(files& disk,
    const std::filesystem::path& directory, const gpu::layout& layout,
    const checkpoint& what) {
  auto values = what.parameters->span();
  auto digest = sha256(std::as_bytes(values));
  metadata fields{{"troupe.version", std::to_string(what.version)},
      {"troupe.rule", what.rule_name}, {"troupe.rule.state", to_hex(what.rule)},
      {"troupe.fact_number", std::to_string(what.fact_number)},
      {"troupe.updates", std::to_string(what.updates)},
      {"troupe.elapsed", fmt::format("{}", what.elapsed)},
      {"troupe.configuration", what.configuration},
      {"troupe.fingerprint", what.fingerprint}};
  if (what.from.known())
    for_each_digest(what.from,
        [&](const char* key, const std::string& text) { fields[key] = text; });
  if (!what.at.history_sha256.empty()) {
    fields["troupe.journal_bytes"] = std::to_string(what.at.journal_bytes);
    fields["troupe.scored"] = std::to_string(what.at.scored);
    fields["troupe.history_sha256"] = what.at.history_sha256;
  }
  fields["troupe.seal"] = seal_of(fields, digest);
  write_model(
      disk, directory / checkpoint_name(what.version), layout, values, fields);
  return digest;
}

checkpoint read_checkpoint(
    files& disk, const std::filesystem::path& path, const gpu::layout& layout) {
  auto file = sound_model(disk, path, layout);
  checkpoint result;
  result.parameters = gathered(path, file, layout);
  field_source from{path, file.metadata};
  result.version = from.number<version_id>("troupe.version");
  result.rule_name = from.text("troupe.rule");
  result.fact_number = from.number<std::uint64_t>("troupe.fact_number");
  result.updates = from.number<std::uint64_t>("troupe.updates");
  result.elapsed = from.number<double>("troupe.elapsed");
  result.configuration = from.text("troupe.configuration");
  result.fingerprint = from.text("troupe.fingerprint");
  for_each_digest(result.from, [&](const char* key, std::string& text) {
    text = from.text_if_any(key);
  });
  result.at.history_sha256 = from.text_if_any("troupe.history_sha256");
  if (!result.at.history_sha256.empty()) {
    result.at.journal_bytes =
        from.number<std::uint64_t>("troupe.journal_bytes");
    result.at.scored = from.number<std::uint64_t>("troupe.scored");
  }
  if (checkpoint_name(result.version) != path.filename())
    throw bad_file(path, 8,
        fmt::format("the checkpoint of the version in its name, found that of "
                    "version {}. Remove the file, or give it its name back",
            result.version));
  if (!from_hex(from.text("troupe.rule.state"), result.rule))
    throw bad_file(path, 8, "the rule's state in hexadecimal digits");
  return result;
}

std::vector<version_id> stored_versions(
    files& disk, const std::filesystem::path& directory) {
  std::vector<version_id> result;
  if (!files::exists(directory))
    return result;
  for (const auto& name : disk.list(directory)) {
    std::string_view rest = name;
    if (!rest.starts_with(prefix) || !rest.ends_with(suffix))
      continue;
    rest.remove_prefix(prefix.size());
    rest.remove_suffix(suffix.size());
    version_id version = 0;
    auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), version);
    if (error == std::errc{} && end == rest.data() + rest.size())
      result.push_back(version);
  }
  std::sort(result.begin(), result.end());
  return result;
}

} // namespace troupe
