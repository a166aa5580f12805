// A program whose clients take as long as a virtual clock says. The seed is the
// only word that it wants for itself: --seed N, as `troupe run` has it.
#include "tests/integration/paced.hpp"

#include "runtime/launch.hpp"

#include <cstdlib>
#include <string_view>
#include <thread>

namespace {

std::uint64_t seed_in(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i)
    if (std::string_view{argv[i]} == "--seed")
      return std::strtoull(argv[i + 1], nullptr, 10);
  if (const auto* given = std::getenv("TROUPE_PACED_SEED"))
    return std::strtoull(given, nullptr, 10);
  return 1;
}

} // namespace

int main(int argc, char** argv) {
  using namespace troupe;
  const auto take_time = [seed = seed_in(argc, argv)](
                             const training::assignment& work,
                             const std::stop_token& stop) {
    const auto end =
        std::chrono::steady_clock::now() + tests::time_of(work, seed);
    while (!stop.stop_requested() && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(
          std::min<duration>(std::chrono::milliseconds{5},
              end - std::chrono::steady_clock::now()));
    return false;
  };
  return launch(tests::paced_clients(take_time), argc, argv);
}
