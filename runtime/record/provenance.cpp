#include "runtime/record/provenance.hpp"

#include <cstdint>
#include <map>
#include <string_view>
#include <variant>

#include <fmt/format.h>

#include "runtime/record/sha256.hpp"

namespace troupe {
namespace {

template <class Value>
std::span<const std::byte> bytes_of(const Value* first, std::size_t count) {
  return std::as_bytes(std::span{first, count});
}

// Digests of views. A data set is taken whole and in its order, which is three
// times as fast as sample by sample; who has which of its samples stands with
// the labels. Numbers stand before what they count, so that no two lists of
// views give the same bytes.
class reader_of_views {
public:
  void take(const training::view& some) {
    number(labels_, some.size());
    if (some.empty())
      return;
    auto [found, is_new] = sets_.try_emplace(&some.set(), sets_.size());
    if (is_new)
      take(some.set());
    number(labels_, found->second);
    order_.resize(some.size());
    for (std::size_t i = 0; i < order_.size(); ++i)
      order_[i] = some.index(i);
    labels_.take(bytes_of(order_.data(), order_.size()));
  }

  std::string features() { return features_.digest(); }
  std::string labels() { return labels_.digest(); }

private:
  static void number(sha256_stream& into, std::uint64_t value) {
    into.take(bytes_of(&value, 1));
  }

  void take(const training::dataset& set) {
    number(features_, set.size());
    number(features_, set.shape.size());
    for (auto extent : set.shape)
      number(features_, extent);
    number(features_, set.features.index());
    std::visit(
        [&](const auto& values) {
          features_.take(bytes_of(values.data(), values.size()));
        },
        set.features);
    number(labels_, set.size());
    number(labels_, set.classes);
    labels_.take(bytes_of(set.labels.data(), set.labels.size()));
  }

  sha256_stream features_;
  sha256_stream labels_;
  std::map<const training::dataset*, std::size_t> sets_; // by first appearance
  std::vector<std::uint32_t> order_;
};

// Where the data of a run comes from, as its user knows it.
std::string_view source_of_data(const configuration& what) {
  if (what.data.set == "own")
    return "the program's own data";
  return what.data.set == "synthetic" ? "data.set" : "data.path";
}

} // namespace

facts::provenance provenance_of(std::span<const training::view> clients,
    const training::view& test, const gpu::shared_buffer& initial) {
  reader_of_views trained_on;
  for (const auto& one : clients)
    trained_on.take(one);
  reader_of_views tested_on;
  tested_on.take(test);
  return {trained_on.features(), trained_on.labels(), tested_on.features(),
      tested_on.labels(),
      initial ? sha256(std::as_bytes(initial->span())) : std::string{}};
}

std::vector<std::string> differences(const facts::provenance& then,
    const facts::provenance& now, const configuration& what) {
  std::vector<std::string> found;
  auto compare = [&](const std::string& before, const std::string& after,
                     std::string_view from, std::string_view part) {
    if (before != after)
      found.push_back(fmt::format("{}: the {}", from, part));
  };
  auto data = source_of_data(what);
  compare(then.features, now.features, data,
      "features differ from those the run was trained on");
  compare(then.labels, now.labels, data,
      what.data.set == "own"
          ? "labels, or who has which sample, differ from those the run was "
            "trained on"
          : "labels differ from those the run was trained on");
  compare(then.test_features, now.test_features, data,
      "test set's features differ from those the run was scored by");
  compare(then.test_labels, now.test_labels, data,
      "test set's labels differ from those the run was scored by");
  compare(then.initial, now.initial,
      what.data.set == "own" && what.model.init.empty()
          ? "the program's own model"
          : "model.init",
      "initial parameters differ from those the run began with");
  return found;
}

} // namespace troupe
