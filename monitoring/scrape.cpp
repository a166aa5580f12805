#include "monitoring/scrape.hpp"

#include <iterator>
#include <stdexcept>
#include <utility>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <zlib.h>

namespace troupe::monitoring {

std::string scrape(const collectables& what) {
  std::vector<prometheus::MetricFamily> families;
  for (const auto& one : what) {
    auto some = one->Collect();
    families.insert(families.end(), std::make_move_iterator(some.begin()),
        std::make_move_iterator(some.end()));
  }
  return prometheus::TextSerializer{}.Serialize(families);
}

std::string gzipped(std::string_view text) {
  constexpr int window_of_gzip = 15 + 16;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window_of_gzip, 8,
          Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error{"no memory to compress with"};
  std::string result(
      deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH); // into all the room that it can need
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

} // namespace troupe::monitoring
