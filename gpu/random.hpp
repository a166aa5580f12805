#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace troupe::gpu {

/// One block of Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as
/// easy as 1, 2, 3"): a bijection of `counter` for every `key`.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
    std::array<std::uint32_t, 2> key) noexcept;

/// The blocks of one random stream, each to be had by its number: how kernels
/// draw numbers, element by element, in any order.
struct random_blocks {
  std::array<std::uint32_t, 2> key{};
  std::array<std::uint32_t, 2> upper{}; ///< of the counter

  std::array<std::uint32_t, 4> operator[](std::uint64_t number) const noexcept;
};

/// A counter-based random stream over `philox4x32`. A stream is a function of
/// its key, so host, GPU and any replay draw the same numbers. Real numbers go
/// through libm (log, sin, cos, pow) and are as reproducible as that; integers
/// depend on nothing. Not thread-safe; a value.
class random_stream {
public:
  /// `purpose` separates uses of one seed; `a` and `b` are, say, client and
  /// version. Streams of one seed and purpose never share a block of Philox;
  /// those of different ones do with a chance of about 2^-64 a pair.
  explicit random_stream(std::uint64_t seed, std::uint32_t purpose = 0,
      std::uint64_t a = 0, std::uint64_t b = 0) noexcept;

  /// All its blocks, wherever it stands.
  random_blocks blocks() const noexcept;

  std::uint32_t next() noexcept;
  /// Uniform in [0, 1), 53 bits.
  double uniform() noexcept;
  /// Standard normal (Box-Muller, in double).
  double normal() noexcept;
  /// Marsaglia and Tsang 2000; shape > 0, scale 1. Underflows to 0 for shapes
  /// near 0.
  double gamma(double shape) noexcept;
  /// Uniform in [0, bound), unbiased (Lemire 2019); bound > 0.
  std::uint32_t below(std::uint32_t bound) noexcept;
  /// Fisher-Yates; at most 2^32 - 1 items.
  void shuffle(std::span<std::uint32_t> items) noexcept;

  using result_type = std::uint32_t;
  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return ~result_type{0}; }
  result_type operator()() noexcept { return next(); }

private:
  void refill() noexcept;

  std::array<std::uint32_t, 2> key_{};
  std::array<std::uint32_t, 4> counter_{};
  std::array<std::uint32_t, 4> block_{};
  std::uint32_t used_ = 4;
  double spare_ = 0.0;
  bool has_spare_ = false;
};

/// Purposes in use, so that no two share a stream.
namespace stream {
inline constexpr std::uint32_t initialise = 1;  ///< model parameters
inline constexpr std::uint32_t partition = 2;   ///< who owns which samples
inline constexpr std::uint32_t synthetic = 3;   ///< generated data
inline constexpr std::uint32_t select = 4;      ///< a = round
inline constexpr std::uint32_t train = 5;       ///< a = client, b = version
inline constexpr std::uint32_t place = 6;       ///< a = client
inline constexpr std::uint32_t quantise = 7;    ///< a = client, b = version
inline constexpr std::uint32_t step = 8;        ///< a = worker, b = clock
inline constexpr std::uint32_t pace = 9;        ///< a = client, b = version + 1
inline constexpr std::uint32_t order = 10;      ///< a = pass over the data
inline constexpr std::uint32_t partner = 11;    ///< a = step
inline constexpr std::uint32_t user = 1u << 16; ///< and up: free for users
} // namespace stream

} // namespace troupe::gpu
