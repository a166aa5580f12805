#include "runtime/collective/lifelines.hpp"

#include <array>
#include <utility>

namespace troupe::collective {
namespace {

constexpr std::size_t most_text = 255;
constexpr std::size_t head = 3;

} // namespace

lifelines::lifelines(std::uint32_t rank, streams channels) : rank_(rank) {
  for (auto& each : channels)
    lines_.push_back({std::move(each), {}, false});
}

void lifelines::listen(line& to) {
  std::array<char, 512> some;
  while (
      const auto came = to.to->receive(std::as_writable_bytes(std::span{some})))
    to.heard.append(some.data(), came);
  to.ended = to.to->broken();
}

std::optional<loss> lifelines::word_in(const std::string& heard) {
  if (heard.size() < head)
    return std::nullopt;
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned char>(heard[i]);
  };
  if (heard.size() < head + byte(2))
    return std::nullopt;
  return loss{byte(0), heard.substr(head, byte(2)), byte(1) != 0};
}

// Who has died without a word is to blame before those who only tell of it.
std::optional<loss> lifelines::look() {
  std::optional<loss> told;
  for (std::uint32_t peer = 0; peer < lines_.size(); ++peer) {
    auto& each = lines_[peer];
    if (peer == rank_)
      continue;
    if (!each.ended)
      listen(each);
    const auto word = word_in(each.heard);
    if (!word && each.ended)
      return loss{peer, "its connection ended", false};
    if (word && (!told || told->gently))
      told = word;
  }
  return told;
}

void lifelines::tell(const loss& what) noexcept {
  std::string word{
      static_cast<char>(what.rank), static_cast<char>(what.gently ? 1 : 0)};
  const auto text = what.why.substr(0, most_text);
  word += static_cast<char>(text.size());
  word += text;
  for (std::uint32_t peer = 0; peer < lines_.size(); ++peer)
    if (peer != rank_)
      lines_[peer].to->send(std::as_bytes(std::span{word}));
}

} // namespace troupe::collective
