#include "actors/fact_stream.hpp"

namespace troupe {

std::vector<fact>& fact_stream::batch() {
  if (!open_)
    open_ = std::make_shared<std::vector<fact>>();
  return *open_;
}

} // namespace troupe
