#pragma once

#include "gpu/device.hpp"
#include "gpu/precision.hpp"
#include "protocols/placement/allotment.hpp"
#include "runtime/configuration/configuration.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// Where a run could compute.
struct machine {
  std::vector<gpu::device_info> devices; ///< the CPU first
  std::string why_no_gpu;                ///< empty if there is one
  bool built_for_gpus = false;
  std::vector<std::string> sets; ///< of kernels, that its CPU can compute by
};

/// This machine, asked once.
const machine& this_machine();

/// A device of a run.
struct chosen_device {
  gpu::device where;
  std::uint64_t slots = 1; ///< clients that it trains at once
  friend bool operator==(const chosen_device&, const chosen_device&) = default;
};

/// The devices that a run computes on. `auto` and `cuda` mean all GPUs that are
/// like the first one: cards of different kinds do not share a run, since their
/// bits differ.
struct device_choice {
  std::vector<chosen_device> devices; ///< in the order they were asked for
  bool trains = true; ///< else only nodes do, and these score what they made
  std::string remark; ///< worth saying once: why `auto` came to mean the CPU
  gpu::precision products = gpu::precision::fp32; ///< of all devices
  std::vector<std::string> problems; ///< if any, `devices` means nothing

  std::uint64_t slots() const noexcept; ///< of all devices
  bool on_gpu() const noexcept;         ///< any of them
  /// Slots by kind of device.
  std::vector<placement::share> shares() const;
  /// The numeric fingerprints of all kinds in use, and bf16 if that is.
  std::string fingerprint() const;
  /// "2 slots", or with several devices "2 slots on cpu, 4 on cuda:0".
  std::string text() const;
};

device_choice choose_devices(const configuration& what,
    const machine& here = this_machine(), const origins& where = {});

/// `what` as it is recorded: where kinds of devices share the clients it names
/// each device and its slots, since these decide who trains on which.
configuration settled(configuration what, const device_choice& chosen);

/// How a change of devices or slots would move clients from one kind of device
/// to another, in one line; empty if it would not. Both are settled.
std::string moved_clients(
    const configuration& before, const configuration& now);

} // namespace troupe
