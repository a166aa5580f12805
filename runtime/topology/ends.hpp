#pragma once

#include <cstdint>

namespace troupe {

/// Between two evaluations: versions, or steps of a mesh.
struct every {
  std::uint64_t versions = 10;
};
struct rounds {
  std::uint64_t count = 50;
};
struct versions {
  std::uint64_t count = 50;
};
/// Of a mesh.
struct steps {
  std::uint64_t count = 1000;
};
struct accuracy {
  double target = 1.0;
};

} // namespace troupe
