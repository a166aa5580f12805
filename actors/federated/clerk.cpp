#include "actors/federated/clerk.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include "actors/computing/guard.hpp"
#include "gpu/aggregation/delta.hpp"
#include "gpu/aggregation/norms.hpp"

namespace troupe {
namespace {

// What stands before the values.
struct contents {
  version_id version = 0;
  std::uint64_t updates = 0;
  caf::byte_buffer rule;
  std::vector<std::pair<std::string, std::uint64_t>> blocks; ///< and their size
  std::vector<std::pair<client_id, std::uint64_t>> states;   ///< likewise

  template <class Inspector>
  friend bool inspect(Inspector& f, contents& x) {
    return f.object(x).fields(f.field("version", x.version),
        f.field("updates", x.updates), f.field("rule", x.rule),
        f.field("blocks", x.blocks), f.field("states", x.states));
  }
};

contents contents_of(const region_memory& what) {
  contents result{what.version, what.updates, what.rule, {}, {}};
  for (const auto& each : what.blocks)
    result.blocks.emplace_back(each.name, each.values->size());
  for (const auto& each : what.states.all())
    result.states.emplace_back(each.client, each.values->size());
  return result;
}

constexpr std::size_t values_for(std::uint64_t bytes) {
  return (bytes + sizeof(float) - 1) / sizeof(float);
}

// Goes through a block from its front.
class cursor {
public:
  explicit cursor(std::span<const float> all) : left_(all) {}

  std::span<const float> next(std::uint64_t values) {
    if (values > left_.size())
      throw std::runtime_error("this is not what a region keeps: it is short");
    const auto result = left_.first(values);
    left_ = left_.subspan(values);
    return result;
  }
  gpu::shared_buffer block(std::uint64_t values) {
    auto result = std::make_shared<gpu::buffer>(values);
    std::ranges::copy(next(values), result->span().begin());
    return result;
  }

private:
  std::span<const float> left_;
};

void write(std::span<float>& to, std::span<const float> values) {
  std::memcpy(to.data(), values.data(), values.size_bytes());
  to = to.subspan(values.size());
}

} // namespace

gpu::shared_buffer packed_memory(const region_memory& what) {
  auto head = contents_of(what);
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  if (!sink.apply(head))
    throw std::runtime_error("what a region keeps cannot be saved");
  auto size = values_for(sizeof(std::uint64_t)) + values_for(bytes.size());
  for (const auto& [name, values] : head.blocks)
    size += values;
  for (const auto& [client, values] : head.states)
    size += values;
  auto result = std::make_shared<gpu::buffer>(size);
  std::ranges::fill(result->span(), 0.0f);
  auto to = result->span();
  const std::uint64_t length = bytes.size();
  std::memcpy(to.data(), &length, sizeof length);
  to = to.subspan(values_for(sizeof length));
  std::memcpy(to.data(), bytes.data(), bytes.size());
  to = to.subspan(values_for(length));
  for (const auto& each : what.blocks)
    write(to, each.values->span());
  for (const auto& each : what.states.all())
    write(to, each.values->span());
  return result;
}

region_memory unpacked_memory(const gpu::buffer& from) {
  cursor at{from.span()};
  std::uint64_t length = 0;
  std::memcpy(
      &length, at.next(values_for(sizeof length)).data(), sizeof length);
  if (length > from.bytes())
    throw std::runtime_error("this is not what a region keeps");
  const auto bytes = at.next(values_for(length));
  contents head;
  caf::binary_deserializer source{
      nullptr, caf::span<const caf::byte>{
                   reinterpret_cast<const caf::byte*>(bytes.data()), length}};
  if (!source.apply(head) || source.remaining() != 0)
    throw std::runtime_error("this is not what a region keeps");
  region_memory result{
      head.version, head.updates, std::move(head.rule), {}, {}};
  for (const auto& [name, values] : head.blocks)
    result.blocks.push_back({name, at.block(values)});
  std::vector<client_state> states;
  for (const auto& [client, values] : head.states)
    states.push_back({client, at.block(values)});
  result.states.take(states);
  return result;
}

clerk::behavior_type clerk_state::make_behavior() {
  return {
      [](const unpack& what) -> caf::result<region_memory> {
        region_memory result;
        if (auto why = guarded(errc::storage_failed,
                [&] { result = unpacked_memory(*what.state); }))
          return why;
        return result;
      },
      [this](const pack& what) -> caf::result<packed> {
        packed result;
        if (auto why =
                guarded(errc::update_not_finite, [&] { result = close(what); }))
          return why;
        return result;
      },
  };
}

packed clerk_state::close(const pack& what) const {
  auto delta = std::make_shared<gpu::buffer>(what.trained->size());
  std::ranges::copy(what.trained->span(), delta->span().begin());
  const auto largest = gpu::to_delta(delta->span(), what.base->span());
  if (std::isnan(largest))
    throw gpu::not_finite("the region's parameters are not finite");
  const auto too_large = most_ > 0.0 && gpu::is_longer(delta->span(), most_);
  return {std::move(delta), largest, too_large, packed_memory(what.what)};
}

} // namespace troupe
