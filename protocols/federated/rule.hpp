#pragma once

#include <cassert>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>

#include "protocols/federated/decides.hpp"
#include "protocols/federated/handover.hpp"

namespace troupe::federated {

/// Any value that decides, as one of one type. An empty one can only be
/// assigned to.
class rule {
  struct any {
    virtual ~any() = default;
    virtual std::unique_ptr<any> copy() const = 0;
    virtual void join(client_id, std::uint64_t, instant, decisions&) = 0;
    virtual void leave(client_id, instant, decisions&) = 0;
    virtual void begin(std::uint64_t, instant, decisions&) = 0;
    virtual verdict arrive(const arrival&, instant, decisions&) = 0;
    virtual void fail(lease_id, instant, decisions&) = 0;
    virtual void requeue(lease_id, instant, decisions&) = 0;
    virtual void retract(lease_id, instant, decisions&) = 0;
    virtual void published(instant, decisions&) = 0;
    virtual void wake(instant, decisions&) = 0;
    virtual void discard() = 0;
    virtual void rounds(std::uint64_t) = 0;
    virtual version_id version() const = 0;
    virtual std::uint64_t round() const = 0;
    virtual std::uint64_t accepted() const = 0;
    virtual std::uint64_t buffered() const = 0;
    virtual std::uint64_t outstanding() const = 0;
    virtual double share(lease_id) = 0;
    virtual settings common() const = 0;
    virtual std::optional<handover> hand_over() const = 0;
    virtual bool take_over(handover, decisions&) = 0;
    virtual caf::byte_buffer save() const = 0;
    virtual bool load(const caf::byte_buffer&) = 0;
  };
  template <class R>
  struct held;

public:
  rule() = default;
  template <class R>
  requires(!std::same_as<R, rule> && decides<R>) rule(R what)
      : what_(std::make_unique<held<R>>(std::move(what))) {}
  rule(const rule& x) : what_(x.what_ ? x.what_->copy() : nullptr) {}
  rule(rule&&) noexcept = default;
  rule& operator=(rule x) noexcept {
    what_ = std::move(x.what_);
    return *this;
  }

  void join(
      client_id client, std::uint64_t samples, instant now, decisions& out) {
    what_->join(client, samples, now, out);
  }
  void leave(client_id client, instant now, decisions& out) {
    what_->leave(client, now, out);
  }
  void begin(std::uint64_t incarnation, instant now, decisions& out) {
    what_->begin(incarnation, now, out);
  }
  verdict arrive(const arrival& update, instant now, decisions& out) {
    return what_->arrive(update, now, out);
  }
  void fail(lease_id lease, instant now, decisions& out) {
    what_->fail(lease, now, out);
  }
  void requeue(lease_id lease, instant now, decisions& out) {
    what_->requeue(lease, now, out);
  }
  void retract(lease_id lease, instant now, decisions& out) {
    what_->retract(lease, now, out);
  }
  void published(instant now, decisions& out) { what_->published(now, out); }
  void wake(instant now, decisions& out) { what_->wake(now, out); }
  void discard() { what_->discard(); }
  void rounds(std::uint64_t total) { what_->rounds(total); }

  version_id version() const { return what_->version(); }
  std::uint64_t round() const { return what_->round(); }
  std::uint64_t accepted() const { return what_->accepted(); }
  std::uint64_t buffered() const { return what_->buffered(); }
  std::uint64_t outstanding() const { return what_->outstanding(); }
  double share(lease_id lease) { return what_->share(lease); }
  settings common() const { return what_->common(); }

  /// None: it is no rule that another one can follow (`succeeds`).
  std::optional<handover> hand_over() const { return what_->hand_over(); }
  /// False, and nothing happens: it is none that can follow another.
  bool take_over(handover what, decisions& out) {
    return what_->take_over(std::move(what), out);
  }

  /// What lasts beyond a restart.
  caf::byte_buffer save() const { return what_->save(); }
  /// Into a rule of the same kind; false: these bytes are no state of it.
  bool load(const caf::byte_buffer& bytes) { return what_->load(bytes); }

private:
  std::unique_ptr<any> what_;
};

template <class R>
struct rule::held final : rule::any {
  explicit held(R r) : x(std::move(r)) {}

  std::unique_ptr<any> copy() const override {
    return std::make_unique<held>(*this);
  }
  void join(client_id c, std::uint64_t n, instant t, decisions& d) override {
    x.join(c, n, t, d);
  }
  void leave(client_id c, instant t, decisions& d) override {
    x.leave(c, t, d);
  }
  void begin(std::uint64_t n, instant t, decisions& d) override {
    x.begin(n, t, d);
  }
  verdict arrive(const arrival& u, instant t, decisions& d) override {
    return x.arrive(u, t, d);
  }
  void fail(lease_id l, instant t, decisions& d) override { x.fail(l, t, d); }
  void requeue(lease_id l, instant t, decisions& d) override {
    x.requeue(l, t, d);
  }
  void retract(lease_id l, instant t, decisions& d) override {
    x.retract(l, t, d);
  }
  void published(instant t, decisions& d) override { x.published(t, d); }
  void wake(instant t, decisions& d) override { x.wake(t, d); }
  void discard() override { x.discard(); }
  void rounds(std::uint64_t n) override { x.rounds(n); }
  version_id version() const override { return x.version(); }
  std::uint64_t round() const override { return x.round(); }
  std::uint64_t accepted() const override { return x.accepted(); }
  std::uint64_t buffered() const override { return x.buffered(); }
  std::uint64_t outstanding() const override { return x.outstanding(); }
  double share(lease_id l) override { return x.share(l); }
  settings common() const override { return x.common(); }
  std::optional<handover> hand_over() const override {
    if constexpr (succeeds<R>)
      return x.hand_over();
    else
      return std::nullopt;
  }
  bool take_over([[maybe_unused]] handover what,
      [[maybe_unused]] decisions& out) override {
    if constexpr (succeeds<R>)
      x.take_over(std::move(what), out);
    return succeeds<R>;
  }

  caf::byte_buffer save() const override {
    caf::byte_buffer bytes;
    caf::binary_serializer sink{nullptr, bytes};
    bool saved = sink.apply(x);
    assert(saved && "a rule holds only values that can be saved");
    static_cast<void>(saved);
    return bytes;
  }
  bool load(const caf::byte_buffer& bytes) override {
    caf::binary_deserializer source{nullptr, bytes};
    return source.apply(x) && source.remaining() == 0;
  }

  R x;
};

} // namespace troupe::federated
