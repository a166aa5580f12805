#include "tests/bench/grpc_stream.hpp"

#include <algorithm>
#include <cstring>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

namespace troupe::bench {
namespace {

// What was begun last is the next to be done: there is one at a time.
bool is_done(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool good = false;
  return queue.Next(&tag, &good) && good;
}

grpc::ByteBuffer borrowed(std::span<const std::byte> bytes) {
  const grpc::Slice whole{
      bytes.data(), bytes.size(), grpc::Slice::STATIC_SLICE};
  return grpc::ByteBuffer{&whole, 1};
}

// Where the bytes of one message end; past the end of `to`: nowhere.
std::byte* put(
    const grpc::ByteBuffer& message, std::byte* at, const std::byte* end) {
  std::vector<grpc::Slice> slices;
  if (!message.Dump(&slices).ok())
    return nullptr;
  for (const auto& each : slices) {
    if (each.size() > static_cast<std::size_t>(end - at))
      return nullptr;
    std::memcpy(at, each.begin(), each.size());
    at += each.size();
  }
  return at;
}

} // namespace

struct grpc_stream::ends {
  ends() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(
        "127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterAsyncGenericService(&service);
    gives = builder.AddCompletionQueue();
    server = builder.BuildAndStart();
    if (!server)
      throw std::runtime_error("gRPC cannot listen at 127.0.0.1");
    stub = std::make_unique<grpc::GenericStub>(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
            grpc::InsecureChannelCredentials()));
  }
  ~ends() {
    server->Shutdown();
    gives->Shutdown();
    takes.Shutdown();
    void* tag = nullptr;
    for (bool good = false; gives->Next(&tag, &good);)
      continue;
    for (bool good = false; takes.Next(&tag, &good);)
      continue;
  }

  bool give(std::span<const std::byte> from) {
    grpc::GenericServerContext context;
    grpc::GenericServerAsyncReaderWriter stream{&context};
    service.RequestCall(&context, &stream, gives.get(), gives.get(), this);
    bool good = is_done(*gives);
    while (good && !from.empty()) {
      const auto next = from.first(std::min(from.size(), piece));
      from = from.subspan(next.size());
      stream.Write(borrowed(next), this);
      good = is_done(*gives);
    }
    stream.Finish(grpc::Status::OK, this);
    return is_done(*gives) && good;
  }

  bool take(std::span<std::byte> to) {
    grpc::ClientContext context;
    const auto call = stub->PrepareCall(&context, "/troupe/bring", &takes);
    call->StartCall(this);
    bool good = is_done(takes);
    call->WritesDone(this);
    good = is_done(takes) && good;
    auto* at = to.data();
    const auto* end = at + to.size();
    for (grpc::ByteBuffer message; good && at != nullptr; message.Clear()) {
      call->Read(&message, this);
      if (!is_done(takes))
        break;
      at = put(message, at, end);
    }
    grpc::Status how;
    call->Finish(&how, this);
    return is_done(takes) && how.ok() && at == end;
  }

  grpc::AsyncGenericService service;
  std::unique_ptr<grpc::ServerCompletionQueue> gives;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<grpc::GenericStub> stub;
  grpc::CompletionQueue takes;
};

grpc_stream::grpc_stream() : ends_(std::make_unique<ends>()) {}
grpc_stream::~grpc_stream() = default;

bool grpc_stream::bring(
    std::span<const std::byte> from, std::span<std::byte> to) {
  auto given =
      std::async(std::launch::async, [&] { return ends_->give(from); });
  const bool taken = ends_->take(to);
  return given.get() && taken;
}

} // namespace troupe::bench
