#include "runtime/configuration/device_choice.hpp"

#include "gpu/kernel_sets.hpp"
#include "runtime/configuration/device_names.hpp"
#include "runtime/configuration/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

using gpu::device_info;
using gpu::device_kind;

bool is_gpu(const device_info& each) noexcept {
  return each.where.kind == device_kind::cuda;
}

/// Makes a choice, name by name.
class chooser {
public:
  chooser(const configuration& what, const machine& here, const origins& where)
      : what_(what.compute), here_(here), where_(where) {}

  device_choice choose() &&;

private:
  void take(const device_info& one);
  void take_gpus();
  void take_named(std::string_view key, const std::string& name);
  void take_any();
  void refuse(std::string_view key, const std::string& name);
  void check_cards();
  void check_precision();
  void check_instructions();

  const configuration::compute_keys& what_;
  const machine& here_;
  const origins& where_;
  std::vector<const device_info*> cards_;
  device_choice result_;
};

void chooser::take(const device_info& one) {
  auto asked =
      result_.trains ? what_.slots.of(gpu::to_string(one.where)) : std::nullopt;
  result_.devices.push_back({one.where, asked.value_or(one.slots)});
  if (is_gpu(one))
    cards_.push_back(&one);
}

bool alike(const device_info& one, const device_info& other) {
  return one.name == other.name && one.capability == other.capability;
}

void chooser::take_gpus() {
  const device_info* first = nullptr;
  for (const auto& each : here_.devices)
    if (is_gpu(each) && (!first || alike(each, *first))) {
      first = first ? first : &each;
      take(each);
    }
}

void chooser::take_any() {
  take_gpus();
  if (!result_.devices.empty())
    return;
  take(here_.devices.front());
  if (here_.built_for_gpus)
    result_.remark = fmt::format("{}; training on the CPU", here_.why_no_gpu);
}

void chooser::refuse(std::string_view key, const std::string& name) {
  auto why = here_.why_no_gpu;
  if (why.empty()) {
    std::vector<std::string> gpus;
    for (const auto& each : here_.devices)
      if (is_gpu(each))
        gpus.push_back(gpu::to_string(each.where));
    why = fmt::format("there is only {}", fmt::join(gpus, ", "));
  }
  auto k = find_key("compute", key);
  configuration shown;
  shown.compute = what_;
  result_.problems.push_back(fmt::format(
      "{} = {} asks for {}, which is not here: {}; use \"auto\" or \"cpu\"",
      place(where_, k->path()), k->value(shown),
      name == "cuda" ? "a GPU" : name, why));
}

void chooser::take_named(std::string_view key, const std::string& name) {
  auto before = result_.devices.size();
  auto one = named_device(name);
  auto found = std::find_if(here_.devices.begin(), here_.devices.end(),
      [&](const device_info& each) { return each.where == one; });
  if (name == "cuda")
    take_gpus();
  else if (one && found != here_.devices.end())
    take(*found);
  if (result_.devices.size() == before)
    refuse(key, name);
}

void chooser::check_cards() {
  for (auto each : cards_)
    if (!alike(*each, *cards_.front())) {
      result_.problems.push_back(fmt::format(
          "{}: {} is {} and {} is {}; cards of different kinds cannot share a "
          "run, since their bits differ",
          place(where_, "compute.devices"),
          gpu::to_string(cards_.front()->where), cards_.front()->name,
          gpu::to_string(each->where), each->name));
      return;
    }
}

void chooser::check_precision() {
  if (what_.precision != "bf16")
    return;
  result_.products = gpu::precision::bf16;
  auto is_cpu = [](const chosen_device& each) {
    return each.where.kind == device_kind::cpu;
  };
  if (std::none_of(result_.devices.begin(), result_.devices.end(), is_cpu))
    return;
  auto fell_back = what_.devices.empty() && what_.device == "auto";
  result_.problems.push_back(
      fmt::format("{} = \"bf16\" needs a GPU, but {}; use \"fp32\"",
          place(where_, "compute.precision"),
          fell_back ? "there is none here: " + here_.why_no_gpu
                    : "the run is on the CPU, too"));
}

void chooser::check_instructions() {
  const auto& asked = what_.instructions;
  if (asked == "own" ||
      std::ranges::find(here_.sets, asked) != here_.sets.end())
    return;
  result_.problems.push_back(fmt::format("{} = \"{}\" is not here: {}",
      place(where_, "compute.instructions"), asked,
      here_.sets.empty()
          ? "this machine can compute by its own alone, or is told to by its "
            "environment; use \"own\""
          : fmt::format("this machine can compute by {}",
                fmt::join(here_.sets, ", "))));
}

device_choice chooser::choose() && {
  result_.trains = !what_.slots.none();
  if (!what_.devices.empty())
    for (const auto& name : what_.devices)
      take_named("devices", name);
  else if (what_.device == "auto")
    take_any();
  else
    take_named("device", what_.device);
  check_cards();
  check_precision();
  check_instructions();
  return std::move(result_);
}

/// Slots by kind, in lowest terms; empty where one kind has all clients.
std::vector<placement::share> shares_of(const configuration& what) {
  std::vector<placement::share> shares;
  for (const auto& name : what.compute.devices)
    shares.push_back({name == "cpu" ? device_kind::cpu : device_kind::cuda,
        what.compute.slots.of(name).value_or(0)});
  shares = placement::in_lowest_terms(shares);
  return shares.size() > 1 ? shares : std::vector<placement::share>{};
}

std::vector<std::string> sets_of_this_machine() {
  std::vector<std::string> result;
  for (auto set : gpu::kernel_sets())
    if (gpu::can_compute_by(set))
      result.emplace_back(set);
  return result;
}

} // namespace

const machine& this_machine() {
  static const machine here{gpu::devices(), gpu::why_no_gpu(),
      gpu::built_for_gpus(), sets_of_this_machine()};
  return here;
}

std::uint64_t device_choice::slots() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& each : devices)
    sum += each.slots;
  return sum;
}

bool device_choice::on_gpu() const noexcept {
  return std::any_of(devices.begin(), devices.end(),
      [](const auto& each) { return each.where.kind == device_kind::cuda; });
}

std::vector<placement::share> device_choice::shares() const {
  std::vector<placement::share> result;
  for (const auto& each : devices)
    result.push_back({each.where.kind, std::max<std::uint64_t>(each.slots, 1)});
  return placement::in_lowest_terms(result);
}

// Cards of one run are alike, so the first of a kind speaks for all.
std::string device_choice::fingerprint() const {
  std::string text;
  for (const auto& kind : shares()) {
    auto first = std::find_if(
        devices.begin(), devices.end(), [&](const chosen_device& each) {
          return each.where.kind == kind.kind;
        });
    text +=
        (text.empty() ? "" : " | ") + gpu::numeric_fingerprint(first->where);
  }
  if (products == gpu::precision::bf16)
    text += "; products in bf16";
  return text;
}

std::string device_choice::text() const {
  std::string text;
  if (!trains)
    return "no slots"; // of those that a run is told
  for (const auto& each : devices) {
    auto unit = each.slots == 1 ? " slot" : " slots";
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ", each.slots,
        text.empty() ? unit : "");
    if (devices.size() > 1 || each.where.kind != device_kind::cpu)
      text += " on " + gpu::to_string(each.where);
  }
  return text;
}

device_choice choose_devices(
    const configuration& what, const machine& here, const origins& where) {
  return chooser{what, here, where}.choose();
}

configuration settled(configuration what, const device_choice& chosen) {
  if (chosen.shares().size() < 2)
    return what;
  what.compute.devices.clear();
  what.compute.slots = {};
  for (const auto& each : chosen.devices) {
    auto name = gpu::to_string(each.where);
    what.compute.devices.push_back(name);
    what.compute.slots.named[name] = each.slots;
  }
  return what;
}

std::string moved_clients(
    const configuration& before, const configuration& now) {
  if (shares_of(before) == shares_of(now))
    return {};
  auto k = find_key("compute",
      before.compute.devices == now.compute.devices ? "slots" : "devices");
  return fmt::format("{} was {} and would be {}: clients would move from one "
                     "kind of device to another, and the run's bits change",
      k->path(), k->value(before), k->value(now));
}

} // namespace troupe
