#include "runtime/data/byte_source.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "runtime/files/file_error.hpp"

namespace troupe::data {

namespace {

// Deflate spends at least two bits on 258 bytes.
constexpr std::uint64_t best_ratio = 1032;

// zlib counts in unsigned int.
constexpr std::size_t piece = std::size_t{1} << 30;

bool is_gzip(std::span<const std::byte> content) noexcept {
  return content.size() >= 2 && content[0] == std::byte{0x1f} &&
         content[1] == std::byte{0x8b};
}

} // namespace

struct byte_source::unpacking {
  unpacking() {
    constexpr int gzip = 16;
    if (inflateInit2(&stream, gzip + MAX_WBITS) != Z_OK)
      throw std::bad_alloc{};
  }
  unpacking(const unpacking&) = delete;
  unpacking& operator=(const unpacking&) = delete;
  ~unpacking() { inflateEnd(&stream); }

  z_stream stream{};
  bool ended = false;
};

byte_source::byte_source(
    std::span<const std::byte> content, std::filesystem::path path)
    : path_(std::move(path)), content_(content), size_(content.size()) {
  if (is_gzip(content))
    unpacking_ = std::make_unique<unpacking>();
}

byte_source::~byte_source() = default;

std::uint64_t byte_source::most_left() const noexcept {
  if (!packed())
    return content_.size();
  if (unpacking_->ended)
    return 0;
  auto waiting = content_.size() + unpacking_->stream.avail_in;
  // What zlib has taken in already may be worth its whole window.
  return (waiting + 1) * best_ratio + (1u << MAX_WBITS);
}

std::size_t byte_source::read(std::span<std::byte> into) {
  std::size_t done = 0;
  if (packed()) {
    done = unpack(into);
  } else if (!into.empty()) {
    done = std::min(into.size(), content_.size());
    std::copy_n(content_.begin(), done, into.begin());
    content_ = content_.subspan(done);
  }
  offset_ += done;
  return done;
}

std::size_t byte_source::unpack(std::span<std::byte> into) {
  auto& [stream, ended] = *unpacking_;
  std::size_t done = 0;
  while (done < into.size() && !ended) {
    if (stream.avail_in == 0) {
      auto next = content_.first(std::min(piece, content_.size()));
      content_ = content_.subspan(next.size());
      // zlib's interface predates const; it does not write here.
      stream.next_in =
          const_cast<Bytef*>(reinterpret_cast<const Bytef*>(next.data()));
      stream.avail_in = static_cast<uInt>(next.size());
      if (next.empty())
        refuse_packed("more gzip data, the file is truncated");
    }
    auto room = static_cast<uInt>(std::min(piece, into.size() - done));
    stream.next_out = reinterpret_cast<Bytef*>(into.data() + done);
    stream.avail_out = room;
    auto status = inflate(&stream, Z_NO_FLUSH);
    done += room - stream.avail_out;
    if (status == Z_STREAM_END)
      ended = !begin_next_member();
    else if (status != Z_OK)
      refuse_packed(
          std::string{"sound gzip data"} +
          (stream.msg ? std::string{": "} + stream.msg : std::string{}));
  }
  return done;
}

// A gzip file is one member or several, one behind the other, and holds what
// all of them do.
bool byte_source::begin_next_member() {
  auto& stream = unpacking_->stream;
  // What zlib was handed and did not need goes back.
  content_ = {
      content_.data() - stream.avail_in, content_.size() + stream.avail_in};
  stream.avail_in = 0;
  return is_gzip(content_) && inflateReset(&stream) == Z_OK;
}

void byte_source::finish() {
  auto end = offset_;
  std::byte more{};
  if (read({&more, 1}) != 0)
    refuse(end, "the end, more bytes follow");
  if (packed() && !content_.empty())
    refuse_packed("the end of the gzip data, more bytes follow");
}

void byte_source::refuse(
    std::uint64_t offset, const std::string& expected) const {
  throw bad_file{
      path_, offset, expected + (packed() ? " (offset after unpacking)" : "")};
}

void byte_source::refuse_packed(const std::string& expected) const {
  throw bad_file{
      path_, size_ - content_.size() - unpacking_->stream.avail_in, expected};
}

} // namespace troupe::data
