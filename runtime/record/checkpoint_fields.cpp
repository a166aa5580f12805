#include "runtime/record/checkpoint_fields.hpp"

#include <charconv>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/record/checkpoint_states.hpp"
#include "runtime/record/sha256.hpp"

namespace troupe {
namespace {

using nlohmann::json;

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

// Calls `each` with the key and the text of every digest.
template <class Provenance, class Each>
void for_each_digest(Provenance& from, Each&& each) {
  each("troupe.features_sha256", from.features);
  each("troupe.labels_sha256", from.labels);
  each("troupe.test_features_sha256", from.test_features);
  each("troupe.test_labels_sha256", from.test_labels);
  each("troupe.initial_sha256", from.initial);
}

std::string text_if_any(const metadata& fields, const std::string& key) {
  auto found = fields.find(key);
  return found == fields.end() ? std::string{} : found->second;
}

std::string text_of(const std::vector<resident_client>& all) {
  auto list = json::array();
  for (const auto& [client, identity, key] : all)
    list.push_back({{"client", client}, {"identity", identity}, {"key", key}});
  return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

// None for what is no such text.
std::optional<std::vector<resident_client>> residents_in(
    const std::string& text) {
  std::vector<resident_client> result;
  if (text.empty())
    return result;
  const auto list = json::parse(text, nullptr, false);
  if (!list.is_array())
    return std::nullopt;
  for (const auto& each : list) {
    const auto word = [&](const char* name) {
      return each.is_object() && each.contains(name) && each[name].is_string()
                 ? each[name].get<std::string>()
                 : std::string{};
    };
    if (word("identity").empty() || !each.contains("client") ||
        !each["client"].is_number_unsigned())
      return std::nullopt;
    result.push_back(
        {each["client"].get<client_id>(), word("identity"), word("key")});
  }
  return result;
}

} // namespace

const std::string& field_of(const std::filesystem::path& path,
    const metadata& fields, const std::string& key) {
  auto found = fields.find(key);
  if (found == fields.end())
    throw bad_file(
        path, 8, fmt::format("a checkpoint; its metadata has no {}", key));
  return found->second;
}

std::string seal_of(const metadata& fields, const std::string& with) {
  std::string all = with;
  for (const auto& [key, value] : fields)
    if (key != "troupe.seal")
      all += fmt::format("\n{}={}", key, value);
  return sha256(std::as_bytes(std::span{all}));
}

void expect_seal(const std::filesystem::path& path, const metadata& fields,
    const std::string& with) {
  if (seal_of(fields, with) != field_of(path, fields, "troupe.seal"))
    throw bad_file(
        path, 0, "a checkpoint as it was written; its checksum does not fit");
}

metadata fields_of(const checkpoint& what) {
  metadata fields{{"troupe.version", std::to_string(what.version)},
      {"troupe.rule", what.rule_name}, {"troupe.rule.state", to_hex(what.rule)},
      {"troupe.fact_number", std::to_string(what.fact_number)},
      {"troupe.updates", std::to_string(what.updates)},
      {"troupe.elapsed", fmt::format("{}", what.elapsed)},
      {"troupe.configuration", what.configuration},
      {"troupe.fingerprint", what.fingerprint}};
  if (!what.promises_bits)
    fields["troupe.promises_bits"] = "false";
  if (auto names = names_elsewhere(what.states); !names.empty())
    fields["troupe.states_elsewhere"] = std::move(names);
  if (!what.residents.empty())
    fields["troupe.residents"] = text_of(what.residents);
  if (what.from.known())
    for_each_digest(what.from,
        [&](const char* key, const std::string& text) { fields[key] = text; });
  if (!what.at.history_sha256.empty()) {
    fields["troupe.journal_bytes"] = std::to_string(what.at.journal_bytes);
    fields["troupe.scored"] = std::to_string(what.at.scored);
    fields["troupe.history_sha256"] = what.at.history_sha256;
  }
  return fields;
}

void read_fields(
    const std::filesystem::path& path, const metadata& fields, checkpoint& to) {
  to.version = number_of<version_id>(path, fields, "troupe.version");
  to.rule_name = field_of(path, fields, "troupe.rule");
  to.fact_number = number_of<std::uint64_t>(path, fields, "troupe.fact_number");
  to.updates = number_of<std::uint64_t>(path, fields, "troupe.updates");
  to.elapsed = number_of<double>(path, fields, "troupe.elapsed");
  to.configuration = field_of(path, fields, "troupe.configuration");
  to.fingerprint = field_of(path, fields, "troupe.fingerprint");
  to.promises_bits = text_if_any(fields, "troupe.promises_bits") != "false";
  for_each_digest(to.from, [&](const char* key, std::string& text) {
    text = text_if_any(fields, key);
  });
  to.at.history_sha256 = text_if_any(fields, "troupe.history_sha256");
  if (!to.at.history_sha256.empty()) {
    to.at.journal_bytes =
        number_of<std::uint64_t>(path, fields, "troupe.journal_bytes");
    to.at.scored = number_of<std::uint64_t>(path, fields, "troupe.scored");
  }
  if (!path.filename().string().starts_with(version_prefix(to.version)))
    throw bad_file(path, 8,
        fmt::format("the checkpoint of the version in its name, found that of "
                    "version {}. Remove the file, or give it its name back",
            to.version));
  if (!take_names_elsewhere(
          text_if_any(fields, "troupe.states_elsewhere"), to.states))
    throw bad_file(path, 8, "names of clients' states, like \"10:431:18\"");
  if (auto all = residents_in(text_if_any(fields, "troupe.residents")))
    to.residents = std::move(*all);
  else
    throw bad_file(path, 8, "the run's residents as a JSON array");
  if (!from_hex(field_of(path, fields, "troupe.rule.state"), to.rule))
    throw bad_file(path, 8, "the rule's state in hexadecimal digits");
}

} // namespace troupe
