#include "runtime/record/audit.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gpu/device.hpp"
#include "runtime/record/checkpoint.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/record/replay.hpp"
#include "runtime/record/sha256.hpp"
#include "runtime/record/story.hpp"

namespace troupe {
namespace {

using digests = std::map<version_id, std::string>;

// Of model.safetensors, where there is one.
digests stored_model(files& disk, const run_directory& place) {
  digests result;
  if (!files::exists(place.model()))
    return result;
  auto file = read_model(disk, place.model());
  auto of = file.metadata.find("troupe.version");
  if (of != file.metadata.end())
    result[std::stoull(of->second)] =
        sha256(std::as_bytes(file.values->span()));
  return result;
}

bool same_bits(const tensor& a, const tensor& b) {
  return std::ranges::equal(std::as_bytes(a->span()), std::as_bytes(b->span()));
}

// The first client whose states differ, if there is one.
std::optional<client_id> first_difference(
    const state_table& a, const state_table& b) {
  for (const auto* each : {&a, &b})
    for (const auto& [client, values] : each->all()) {
      const auto here = a.of(client), there = b.of(client);
      if (!here || !there || !same_bits(here, there))
        return client;
    }
  return std::nullopt;
}

// Holds versions that were made again against those that were kept.
class comparison {
public:
  comparison(files& disk, const run_directory& place, const story& told)
      : disk_(disk),
        place_(place),
        told_(told),
        model_(stored_model(disk, place)),
        kept_(stored_versions(disk, place.checkpoints())) {}

  void take(const remade& what) {
    const auto& [version, parameters, states, unlike] = what;
    if (unlike && wrong_.empty())
      wrong_ = fmt::format("training client {} again for lease {}, of version "
                           "{}, adds something "
                           "else than it did",
          unlike->client, unlike->lease, version);
    if (std::ranges::binary_search(kept_, version))
      hold_states(version, states);
    if (!told_.stored.contains(version) && !model_.contains(version))
      return;
    auto made = sha256(std::as_bytes(parameters));
    hold(version, made, told_.stored, "the journal");
    hold(version, made, model_, "model.safetensors");
  }

  finding result() const {
    if (!wrong_.empty())
      return {false, "retraining", wrong_ + other_machine()};
    if (told_.version() == 0)
      return {true, "retraining", "no version was made"};
    if (compared_ == 0)
      return {false, "retraining",
          "no version was stored that could be compared" + other_machine()};
    return {true, "retraining",
        fmt::format("{} and {} again: the bits of {} are the same{}",
            counted(told_.updates, "update"),
            counted(told_.version(), "version"),
            compared_ == 1 ? "what was kept"
                           : fmt::format("all {} that were kept", compared_),
            clients_ == 0
                ? std::string{}
                : ", and so are the states of " + counted(clients_, "client"))};
  }

private:
  void hold_states(version_id version, const state_table& made) {
    const auto path = checkpoint_path(place_.checkpoints(), version);
    const auto kept = read_checkpoint(disk_, path, {}).states;
    clients_ = std::max(clients_, kept.size());
    const auto other = first_difference(made, kept);
    if (other && wrong_.empty())
      wrong_ = fmt::format("training again gives client {} another state than "
                           "{} has",
          *other, path.filename().string());
  }

  void hold(version_id version, const std::string& made, const digests& with,
      std::string_view where) {
    auto kept = with.find(version);
    if (kept == with.end())
      return;
    ++compared_;
    if (made != kept->second && wrong_.empty())
      wrong_ = fmt::format("training again gives {} as version {}, {} has {}",
          made, version, where, kept->second);
  }

  std::string other_machine() const {
    if (!told_.promises_bits)
      return "; but the run promises no bits: several numeric fingerprints "
             "computed it";
    auto here = gpu::numeric_fingerprint();
    return here == told_.fingerprint
               ? std::string{}
               : fmt::format(
                     "; but this machine computes by {}, the run's by {}", here,
                     told_.fingerprint);
  }

  files& disk_;
  const run_directory& place_;
  const story& told_;
  digests model_;
  std::vector<version_id> kept_; ///< in checkpoints, ascending
  std::size_t clients_ = 0;      ///< with a state, in one of these
  std::uint64_t compared_ = 0;
  std::string wrong_;
};

} // namespace

finding retrained(files& disk, const run_directory& place,
    const topology& again, const retraining_progress& each) {
  auto journal = disk.read_all(place.journal());
  auto told = read_story(journal);
  follow_updates(told);
  comparison bits{disk, place, told};
  replay(again, journal, [&](const remade& what) {
    bits.take(what);
    each(what.version, told.version());
  });
  return bits.result();
}

} // namespace troupe
