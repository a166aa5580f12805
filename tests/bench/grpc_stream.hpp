#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace troupe::bench {

/// A tensor that comes as a stream of gRPC's over loopback: one call, whose
/// answer is its bytes in messages that nobody encodes or decodes. It lends the
/// memory to gRPC and puts what comes where it belongs, so that no bytes are
/// copied but those that gRPC copies itself.
class grpc_stream {
public:
  /// Bytes of a message. gRPC takes 4 MiB at most unless it is told otherwise.
  static constexpr std::size_t piece = std::size_t{1} << 20;

  grpc_stream();
  ~grpc_stream();

  /// As many bytes as both have. False: the call has failed.
  bool bring(std::span<const std::byte> from, std::span<std::byte> to);

private:
  struct ends;
  std::unique_ptr<ends> ends_;
};

} // namespace troupe::bench
