#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
class Collectable;
} // namespace prometheus

namespace troupe::monitoring {

using collectables = std::vector<std::shared_ptr<prometheus::Collectable>>;

/// The figures of this moment in Prometheus' text format, version 0.0.4.
std::string scrape(const collectables& what);

/// `text` as a file of gzip. Throws std::runtime_error if there is no memory.
std::string gzipped(std::string_view text);

} // namespace troupe::monitoring
