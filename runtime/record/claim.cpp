#include "runtime/record/claim.hpp"

#include <ctime>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace troupe {
namespace {

claim found(const std::filesystem::path& root) {
  auto& disk = files::system();
  disk.make_directories(root);
  auto lock = disk.lock(root);
  if (!lock)
    refuse_in_use(root);
  run_directory place{root};
  if (place.holds_run())
    throw misuse(fmt::format("{} holds a run already: go on with it by "
                             "`troupe run --resume`, or name another directory "
                             "by --out",
        root.string()));
  return {place, std::move(*lock)};
}

// Runs that begin in one second share a time, but no directory.
claim found_by_time(const std::string& name) {
  auto& disk = files::system();
  auto root = fmt::format(
      "runs/{}-{:%Y%m%d-%H%M%S}", name, fmt::localtime(std::time(nullptr)));
  for (auto n = 1;; ++n) {
    run_directory place{n == 1 ? root : fmt::format("{}-{}", root, n)};
    disk.make_directories(place.root());
    auto lock = disk.lock(place.root());
    if (lock && !place.holds_run())
      return {place, std::move(*lock)};
  }
}

} // namespace

void refuse_in_use(const std::filesystem::path& root) {
  auto holder = files::holder(root);
  throw misuse(fmt::format("{} is in use by another troupe process{}",
      root.string(), holder > 0 ? fmt::format(" (pid {})", holder) : ""));
}

claim claim_directory(
    const std::filesystem::path& root, const std::string& name) {
  return root.empty() ? found_by_time(name) : found(root);
}

} // namespace troupe
