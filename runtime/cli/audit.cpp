#include "runtime/record/audit.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/company/restart.hpp"
#include "runtime/configuration/device_choice.hpp"
#include "runtime/configuration/keys.hpp"
#include "runtime/configuration/levels.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/record/replay.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <ostream>

namespace troupe::cli {

namespace {

using clock = std::chrono::steady_clock;
constexpr auto between_lines = std::chrono::seconds{5};

// Of a run that a program composed: no file can name its data or model.
std::string own_of(const configuration& then) {
  for (auto k : {find_key("data", "set"), find_key("model", "kind")}) {
    const auto& word = k->section == "data" ? then.data.set : then.model.kind;
    if (!misnomer(*k, word).empty())
      return fmt::format("{} = {}", k->path(), toml_string(word));
  }
  return {};
}

// A line now and then, to whoever waits.
class waiting_line {
public:
  explicit waiting_line(std::ostream& to) : to_(to) {}

  void operator()(version_id done, version_id of) {
    auto now = clock::now();
    if (now - said_ < between_lines)
      return;
    said_ = now;
    auto gone = std::chrono::duration_cast<std::chrono::seconds>(now - began_);
    to_ << fmt::format("version {} of {} again after {:%T}{}\n", done, of, gone,
        to_go(gone, done, of));
    to_.flush();
  }

private:
  // The first versions tell little of the others.
  static std::string to_go(
      std::chrono::seconds gone, version_id done, version_id of) {
    if (done < of / 20)
      return {};
    auto left = static_cast<double>(gone.count()) *
                static_cast<double>(of - done) / static_cast<double>(done);
    return fmt::format(
        ", {:%T} to go", std::chrono::seconds{std::llround(left)});
  }

  std::ostream& to_;
  clock::time_point began_ = clock::now();
  clock::time_point said_ = began_;
};

finding train_again(
    const run_directory& place, const reading& then, console& to) {
  auto refusal = [](std::string why) {
    return finding{false, "retraining", std::move(why)};
  };
  if (auto own = own_of(then.value); !own.empty())
    return refusal(
        fmt::format("cannot be done here: {} is of a program of its own", own));
  if (then.value.is_mesh())
    return refusal("cannot be done: a mesh's journal has steps and no updates; "
                   "with parallel.bits = \"canonical\" troupe run makes the "
                   "same bits again");
  if (leases_regions(then.value))
    return refusal("cannot be done: what the journal tells of are updates of "
                   "regions, and which of their clients made them it does not "
                   "say");
  auto where = then.value;
  where.compute.instructions = "own"; // another set is told of, if bits differ
  auto devices = choose_devices(where);
  if (!devices.problems.empty() || devices.on_gpu())
    return refusal("cannot be done here: the run was not on a CPU alone, and "
                   "what is trained again is");
  auto again = from(then.value, then.where);
  try {
    return retrained(files::system(), place, again, waiting_line{to.err});
  } catch (const bad_history& error) {
    return refusal(error.what());
  }
}

std::string headline(const run_directory& place, const configuration& then) {
  return fmt::format("{}: {}, {}, {}, seed {}\n", place.root().string(),
      then.run.name, rule_name(then), who_trains(then), then.run.seed);
}

} // namespace

int audit(const arguments& given, console& to) {
  const run_directory place{given.operands().front()};
  if (!place.holds_run()) {
    to.err << "troupe: there is no run in " << place.root().string()
           << " to audit\n";
    return misused;
  }
  auto held = files::system().lock(place.root());
  if (!held) {
    to.err << "troupe: " << place.root().string()
           << " is in use by another troupe process\n";
    return misused;
  }
  auto then = read_effective_configuration(place.config());
  if (!then) {
    for (const auto& each : then.problems)
      to.err << each << "\n";
    return failed;
  }
  if (given.has("retrain"))
    compute_by(then.value.compute.instructions);
  to.out << headline(place, then.value);
  auto show = [&](const finding& one) {
    to.out << fmt::format("  {}  {:<17}  {}\n", one.sound ? "ok   " : "WRONG",
        one.subject, one.text);
    to.out.flush();
    return one.sound;
  };
  auto found = audited(files::system(), place, then.value);
  auto sound = true;
  for (const auto& each : found)
    sound = show(each) && sound;
  if (sound && given.has("retrain"))
    sound = show(train_again(place, then, to));
  else if (sound)
    to.out << "These files tell one story."
           << (then.value.is_mesh()
                      ? "\n"
                      : " Whether it was trained so, --retrain shows.\n");
  return sound ? done : failed;
}

} // namespace troupe::cli
