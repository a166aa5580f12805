// A program whose clients have states.
#include "tests/integration/counting.hpp"

#include "runtime/launch.hpp"

#include <chrono>
#include <thread>

int main(int argc, char** argv) {
  const auto take_time = [](const auto&, const auto&) {
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
    return false;
  };
  return troupe::launch(troupe::tests::counting_clients(take_time), argc, argv);
}
