#include "runtime/topology/samples.hpp"

namespace troupe {

namespace {

division divided(samples of, std::string partition) {
  division result;
  result.of = of.view();
  result.partition = std::move(partition);
  return result;
}

division skewed(samples of, std::string partition, double alpha) {
  auto result = divided(std::move(of), std::move(partition));
  result.alpha = alpha;
  return result;
}

} // namespace

namespace data {

division iid(samples of) {
  return divided(std::move(of), "iid");
}

division shards(samples of, std::uint64_t per_client) {
  auto result = divided(std::move(of), "shards");
  result.shards_per_client = per_client;
  return result;
}

division dirichlet(samples of, double alpha) {
  return skewed(std::move(of), "dirichlet", alpha);
}

division quantity(samples of, double alpha) {
  return skewed(std::move(of), "quantity", alpha);
}

division labels(samples of, std::uint64_t per_client) {
  auto result = divided(std::move(of), "labels");
  result.labels_per_client = per_client;
  return result;
}

division label_dirichlet(samples of, double alpha) {
  return skewed(std::move(of), "label-dirichlet", alpha);
}

} // namespace data

} // namespace troupe
