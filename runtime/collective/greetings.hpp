#pragma once

// What ranks say to each other when they meet; for its own sources. Ranks are
// the same program on the same kind of machine.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "runtime/collective/meeting.hpp"
#include "runtime/collective/sockets.hpp"

namespace troupe::collective {

struct hello {
  static constexpr std::uint32_t mark = 0x54524d32;

  std::uint32_t marked = mark;
  std::uint32_t rank = 0;
  std::uint32_t ranks = 0;
  std::uint32_t line = 0; ///< 1: the lifeline of a pair
  std::uint64_t number = 0;
  endpoint listens;
  char box[56] = {}; ///< where memory is handed in
};

enum class welcome : std::uint8_t { refused, come_again, welcome };

struct invitation {
  std::uint32_t marked = hello::mark;
  medium by = medium::tcp;
  welcome as = welcome::refused;
  char refusal[242] = {};
};

template <class T>
auto bytes(const T& x) {
  return std::as_bytes(std::span{&x, 1});
}
template <class T>
auto writable(T& x) {
  return std::as_writable_bytes(std::span{&x, 1});
}

template <std::size_t N>
void write(char (&to)[N], const std::string& text) {
  std::memcpy(to, text.data(), std::min(text.size(), N - 1));
}

} // namespace troupe::collective
