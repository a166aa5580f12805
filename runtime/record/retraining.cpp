#include "runtime/record/audit.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gpu/device.hpp"
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

// Holds versions that were made again against those that were kept.
class comparison {
public:
  comparison(const story& told, digests model)
      : told_(told), model_(std::move(model)) {}

  void take(version_id version, std::span<const float> parameters) {
    if (!told_.stored.contains(version) && !model_.contains(version))
      return;
    auto made = sha256(std::as_bytes(parameters));
    hold(version, made, told_.stored, "the journal");
    hold(version, made, model_, "model.safetensors");
  }

  finding result() const {
    if (!wrong_.empty())
      return {false, "retraining", wrong_ + other_machine()};
    if (compared_ == 0)
      return {false, "retraining",
          "no version was stored that could be compared" + other_machine()};
    return {true, "retraining",
        fmt::format("{} and {} again: the bits of {} are the same",
            counted(told_.updates, "update"),
            counted(told_.version(), "version"),
            compared_ == 1 ? "what was kept"
                           : fmt::format("all {} that were kept", compared_))};
  }

private:
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
    auto here = gpu::numeric_fingerprint();
    return here == told_.fingerprint
               ? std::string{}
               : fmt::format(
                     "; but this machine computes by {}, the run's by {}", here,
                     told_.fingerprint);
  }

  const story& told_;
  digests model_;
  std::uint64_t compared_ = 0;
  std::string wrong_;
};

} // namespace

finding retrained(files& disk, const run_directory& place,
    const topology& again, const retraining_progress& each) {
  auto journal = disk.read_all(place.journal());
  auto told = read_story(journal);
  follow_updates(told);
  comparison bits{told, stored_model(disk, place)};
  replay(again, journal,
      [&](version_id version, std::span<const float> parameters) {
        bits.take(version, parameters);
        each(version, told.version());
      });
  return bits.result();
}

} // namespace troupe
