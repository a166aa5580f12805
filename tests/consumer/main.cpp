// A user's program: nothing of Troupe's but what was installed.
#include <iostream>

#include "gpu/random.hpp"

int main() {
  troupe::gpu::random_stream stream{1};

  std::cout << "drew " << stream.below(6) + 1 << " with a fair die\n";
}
