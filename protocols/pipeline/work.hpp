#pragma once

#include <cstdint>

namespace troupe::pipeline {

/// What a rank has to do, one at a time.
struct work {
  enum class kind : std::uint8_t {
    forward,
    backward, ///< gradients of inputs; of weights too, where not split
    weight,   ///< gradients of weights
    update,   ///< of the weights of all its chunks, behind a step
  };

  kind what = kind::forward;
  std::uint32_t chunk = 0;
  std::uint64_t of = 0; ///< a micro-batch, counted over steps; a step to update

  friend bool operator==(const work&, const work&) = default;
  friend auto operator<=>(const work&, const work&) = default;
  template <class Inspector>
  friend bool inspect(Inspector& f, work& x) {
    return f.object(x).fields(
        f.field(
            "what", [&x] { return static_cast<std::uint8_t>(x.what); },
            [&x](std::uint8_t value) {
              x.what = static_cast<kind>(value);
              return x.what <= kind::update;
            }),
        f.field("chunk", x.chunk), f.field("of", x.of));
  }
};
const char* to_string(work::kind what) noexcept;

/// What goes from one virtual stage to the next one, or back. A gradient gives
/// back the credit that its activation took.
struct message {
  enum class kind : std::uint8_t { activation, gradient };

  kind what = kind::activation;
  std::uint32_t rank = 0; ///< where it is for
  std::uint32_t chunk = 0;
  std::uint64_t micro_batch = 0;

  friend bool operator==(const message&, const message&) = default;
  friend auto operator<=>(const message&, const message&) = default;
  template <class Inspector>
  friend bool inspect(Inspector& f, message& x) {
    return f.object(x).fields(
        f.field(
            "what", [&x] { return static_cast<std::uint8_t>(x.what); },
            [&x](std::uint8_t value) {
              x.what = static_cast<kind>(value);
              return x.what <= kind::gradient;
            }),
        f.field("rank", x.rank), f.field("chunk", x.chunk),
        f.field("micro_batch", x.micro_batch));
  }
};

/// Why a message changes nothing.
enum class drop_reason : std::uint8_t {
  none,
  unknown,   ///< nothing that this rank is, or is yet, to get
  duplicate, ///< it was here before
};
const char* to_string(drop_reason why) noexcept;

} // namespace troupe::pipeline
