#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "protocols/cluster/interfaces.hpp"
#include "protocols/cluster/peer.hpp"
#include "protocols/verbs.hpp"

namespace troupe::tests {

/// One end of a wire within this process: frames travel as bytes, and tensors
/// as handles, small ones too unless they are to go along. Thread-safe.
class wired_peer : public cluster::peer {
public:
  explicit wired_peer(bool along = false) : along_(along) {}

  /// Who hears what the other end says, brings, and how it ends.
  struct ears {
    std::function<void(cluster::frame)> said;
    std::function<void(cluster::fetched)> brought;
    std::function<void(cluster::parted)> over;
  };
  static void connect(const std::shared_ptr<wired_peer>& one,
      const std::shared_ptr<wired_peer>& other);
  void listen(ears whom);
  /// As if its process was killed.
  void cut();

  bool send(const cluster::frame& what) override;
  void took() noexcept override {}
  void close(const std::string& why) override { part({why, true}); }
  void expel(const std::string& why) override { part({why, false}); }
  bool takes_along(const gpu::buffer& what) const override {
    return along_ && tensor::goes_along(what);
  }
  tensor lend(gpu::shared_buffer what) override;
  void take_back(tensor_id what) override;
  void fetch(const tensor& what) override;

  std::size_t lends() const;      ///< now
  std::size_t lends_ever() const; ///< now and before
  std::optional<std::string> closed() const;

private:
  std::shared_ptr<wired_peer> other() const;
  void hear(cluster::frame what);
  gpu::shared_buffer find(tensor_id what) const;
  void part(const cluster::parted& how);
  void end(const cluster::parted& how);

  const bool along_;
  mutable std::mutex guard_; ///< of all that follows
  std::weak_ptr<wired_peer> other_;
  ears ears_;
  std::vector<cluster::frame> early_; ///< nobody hears yet
  std::map<tensor_id, gpu::shared_buffer> lent_;
  tensor_id last_ = 0;
  std::optional<std::string> closed_;
};

/// Has an actor hear a wire: frames of these types are messages to it, others
/// are not.
template <class... Frames, class Handle>
wired_peer::ears ears_of(Handle whom) {
  return {.said =
              [whom](cluster::frame what) {
                std::visit(
                    [&](auto& one) {
                      using type = std::decay_t<decltype(one)>;
                      if constexpr ((std::is_same_v<type, Frames> || ...))
                        send_anonymously(whom, std::move(one));
                    },
                    what);
              },
      .brought =
          [whom](cluster::fetched what) {
            send_anonymously(whom, std::move(what));
          },
      .over =
          [whom](cluster::parted what) {
            send_anonymously(whom, std::move(what));
          }};
}

/// What a door, and what a host, hears of frames.
template <class Handle>
wired_peer::ears ears_of_door(Handle whom) {
  using namespace cluster;
  return ears_of<ready, update, failure, evaluated_part, part_begun, drain,
      farewell>(std::move(whom));
}
template <class Handle>
wired_peer::ears ears_of_host(Handle whom) {
  using namespace cluster;
  return ears_of<seated, score, revoke, carried, state_stored, call_off,
      release, arrived, refusal, drain, farewell>(std::move(whom));
}

} // namespace troupe::tests
