#include "runtime/record/replay.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "gpu/aggregation/aggregation.hpp"
#include "gpu/aggregation/delta.hpp"
#include "gpu/device.hpp"
#include "gpu/training/control_variate.hpp"
#include "gpu/training/stateful_learner.hpp"
#include "protocols/facts.hpp"
#include "protocols/federated/client_states.hpp"
#include "runtime/configuration/servers.hpp"
#include "runtime/record/journal.hpp"
#include "runtime/record/provenance.hpp"

namespace troupe {

namespace {

using listener = std::function<void(const remade&)>;

std::map<version_id, std::uint64_t> last_uses(const std::vector<fact>& facts) {
  std::map<version_id, std::uint64_t> result;
  for (const auto& f : facts)
    if (auto* x = std::get_if<facts::accepted>(&f.what))
      result[x->base] = f.number;
  return result;
}

// A run without its actors: one learner, one accumulator, in one thread.
class rerun {
public:
  rerun(const topology& what, std::map<version_id, std::uint64_t> last_use)
      : config_(what.config()),
        learner_(what.learner()(gpu::device{})),
        data_(what.client_data()),
        from_(provenance_of(data_, what.test_data(), what.initial())),
        last_use_(std::move(last_use)),
        size_(gpu::size(learner_->layout())),
        server_(server_of(config_)),
        sums_(on_, server_, {0, size_}) {
    versions_[0] = what.initial() ? what.initial() : drawn();
    for (auto name : gpu::state_names(server_)) {
      auto& fresh = state_[name] = std::make_shared<gpu::buffer>(size_);
      std::ranges::fill(fresh->span(), gpu::initial_state(server_, name));
    }
  }

  void take(const fact& f, const listener& each) {
    if (auto* start = std::get_if<facts::run_started>(&f.what))
      compare((*start)->from, f.number);
    else if (auto* who = std::get_if<facts::client_joined>(&f.what))
      meet(*who);
    else if (auto* x = std::get_if<facts::accepted>(&f.what))
      add(*x, f.number);
    else if (std::holds_alternative<facts::round_skipped>(f.what))
      skip();
    else if (auto* y = std::get_if<facts::published>(&f.what))
      publish(*y, f.number, each);
  }

private:
  gpu::shared_buffer drawn() {
    auto block = std::make_shared<gpu::buffer>(size_);
    learner_->initialise(block->span(), config_.run.seed);
    return block;
  }

  void compare(const facts::provenance& then, std::uint64_t number) const {
    if (!then.known())
      return;
    if (auto other = differences(then, from_, config_); !other.empty())
      throw bad_history(fmt::format("fact {}: {}", number, other.front()));
  }

  void meet(const facts::client_joined& x) {
    if (!x.identity.empty())
      residents_[x.client] = x.identity;
  }

  void add(const facts::accepted& x, std::uint64_t number) {
    auto base = versions_.find(x.base);
    if (const auto found = residents_.find(x.client); found != residents_.end())
      throw bad_history(
          fmt::format("fact {}: client {} is {}, a resident, whose "
                      "data are not here",
              number, x.client, found->second));
    if (base == versions_.end() || x.client >= data_.size())
      throw bad_history(fmt::format("fact {}: an update of client {} to "
                                    "version {}, which there is not",
          number, x.client, x.base));
    auto given = base->second->span();
    gpu::buffer block{given.size()};
    std::copy(given.begin(), given.end(), block.span().begin());
    training::assignment work{x.client, x.base, data_[x.client],
        config_.client.with_work(x.work),
        gpu::random_stream{
            config_.run.seed, gpu::stream::train, x.client, x.base}};
    work.within.steps = x.steps;
    const gpu::shared_buffer own = states_.offered(x.lease, x.client);
    work.correction = training::correction(work.how, own, variate(), size_);
    auto state = own;
    const auto outcome =
        training::train_client(*learner_, state, block.span(), work, {});
    gpu::to_delta(block.span(), given);
    if (work.how.keeps_variates())
      state = training::next_variate(work.how, work.version, own,
          work.correction, block.span(), outcome.steps);
    states_.accepted(x.client, std::move(state));
    if (const auto& now = versions_.at(version_);
        x.mixed && now != base->second)
      gpu::rebase(on_, given, block.span(), now->span(), block.span());
    const gpu::contribution one{block.span(), x.weight, x.share};
    compare(x, sums_.add(on_, {&one, 1}, {&x.drift, 1}).front());
    if (last_use_[x.base] <= number && x.base < version_)
      versions_.erase(base);
  }

  // A run of before there were checksums has none.
  void compare(const facts::accepted& then, const gpu::receipt& now) {
    if (then.checksum != 0 && then.checksum != now.checksum && !unlike_)
      unlike_ = then;
  }

  void skip() {
    sums_.clear(on_);
    unlike_.reset();
    states_.discard();
  }

  void publish(
      const facts::published& x, std::uint64_t number, const listener& each) {
    if (x.version != version_ + 1)
      throw bad_history(fmt::format("fact {}: version {} follows version {}",
          number, x.version, version_));
    auto next = versions_.at(version_);
    if (sums_.contributions() > 0) {
      auto block = std::make_shared<gpu::buffer>(size_);
      sums_.publish(on_, with_state(std::as_const(*next).span()), x.scale,
          with_state(block->span()), x.variate);
      next = std::move(block);
    }
    if (last_use_[version_] <= number)
      versions_.erase(version_);
    version_ = x.version;
    versions_[version_] = next;
    states_.published();
    each({version_, next->span(), states_.counted(),
        std::exchange(unlike_, std::nullopt)});
  }

  // A step may read and write its state in one place.
  template <class Value>
  gpu::server_blocks<Value> with_state(std::span<Value> parameters) {
    gpu::server_blocks<Value> result;
    result.parameters = parameters;
    for (auto& [name, values] : state_)
      result.of(name) = values->span();
    return result;
  }

  // That leases were lent.
  gpu::shared_buffer variate() const {
    const auto found = state_.find("variate");
    return server_.variate == gpu::variate_use::corrects ? found->second
                                                         : nullptr;
  }

  const configuration& config_;
  std::unique_ptr<training::learner> learner_;
  std::vector<training::view> data_;
  facts::provenance from_;
  std::map<version_id, std::uint64_t> last_use_; // a fact's number
  std::map<version_id, gpu::shared_buffer> versions_;
  version_id version_ = 0;
  std::size_t size_;
  gpu::device_stream on_;
  gpu::server_options server_;
  gpu::aggregation sums_;
  std::optional<facts::accepted> unlike_; ///< of the next version
  federated::client_states states_;
  std::map<client_id, std::string> residents_;
  /// What the server keeps, by name.
  std::map<std::string_view, std::shared_ptr<gpu::buffer>> state_;
};

} // namespace

void replay(
    const topology& what, std::string_view journal, const listener& each) {
  gpu::use_one_blas_thread();
  auto facts = journal::standing(journal);
  rerun again{what, last_uses(facts)};
  for (const auto& f : facts)
    again.take(f, each);
}

} // namespace troupe
