#include "runtime/cluster/ucx_channel.hpp"

#include "gpu/cuda/shared_library.hpp"

#include <csignal>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <stdexcept>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ucp/api/ucp.h>
#include <ucs/config/global_opts.h>
#include <ucs/debug/debug.h>
#include <unistd.h>

namespace troupe::cluster {
namespace {

/// UCX's functions, each as its header declares it.
struct library {
  gpu::cuda::shared_library file{"libucp.so.0"};

#define TROUPE_UCX(name)                                                       \
  decltype(&::name) name = file.symbol<decltype(::name)>(#name)
  TROUPE_UCX(ucp_config_read);
  TROUPE_UCX(ucp_config_modify);
  TROUPE_UCX(ucp_config_release);
  TROUPE_UCX(ucp_init_version);
  TROUPE_UCX(ucp_cleanup);
  TROUPE_UCX(ucp_worker_create);
  TROUPE_UCX(ucp_worker_destroy);
  TROUPE_UCX(ucp_worker_get_address);
  TROUPE_UCX(ucp_worker_release_address);
  TROUPE_UCX(ucp_worker_get_efd);
  TROUPE_UCX(ucp_worker_arm);
  TROUPE_UCX(ucp_worker_progress);
  TROUPE_UCX(ucp_ep_create);
  TROUPE_UCX(ucp_stream_send_nbx);
  TROUPE_UCX(ucp_stream_recv_nbx);
  TROUPE_UCX(ucp_request_free);
  TROUPE_UCX(ucs_status_string);
  TROUPE_UCX(ucs_debug_disable_signal);
  TROUPE_UCX(ucs_global_opts_set_value);
#undef TROUPE_UCX

  // It writes to the standard output and takes signals that are not its own.
  library() {
    if (!std::getenv("UCX_LOG_LEVEL"))
      ucs_global_opts_set_value("LOG_LEVEL", "fatal");
    for (int each : {SIGILL, SIGBUS, SIGFPE, SIGSEGV, SIGHUP})
      ucs_debug_disable_signal(each);
  }
};

// Null where there is none, or one that is too old.
const library* opened() {
  static const auto one = []() -> std::unique_ptr<library> {
    try {
      return std::make_unique<library>();
    } catch (const std::runtime_error&) {
      return nullptr;
    }
  }();
  return one.get();
}

// Once there is one.
const library& ucx() {
  return *opened();
}

template <auto Function>
struct by {
  template <class T>
  void operator()(T* what) const {
    (ucx().*Function)(what);
  }
};
using context = std::unique_ptr<ucp_context, by<&library::ucp_cleanup>>;
using worker = std::unique_ptr<ucp_worker, by<&library::ucp_worker_destroy>>;
using settings = std::unique_ptr<ucp_config, by<&library::ucp_config_release>>;

context open_devices(const std::string& transports) {
  ucp_config_t* read = nullptr;
  if (ucx().ucp_config_read(nullptr, nullptr, &read) != UCS_OK)
    return nullptr;
  const settings how{read};
  if (!transports.empty() &&
      ucx().ucp_config_modify(how.get(), "TLS", transports.c_str()) != UCS_OK)
    return nullptr;
  ucp_params_t params{};
  params.field_mask =
      UCP_PARAM_FIELD_FEATURES | UCP_PARAM_FIELD_MT_WORKERS_SHARED;
  params.features = UCP_FEATURE_STREAM | UCP_FEATURE_WAKEUP;
  params.mt_workers_shared = 1;
  ucp_context_h made = nullptr;
  ucx().ucp_init_version(
      UCP_API_MAJOR, UCP_API_MINOR, &params, how.get(), &made);
  return context{made};
}

// One for the whole process: devices take time to open.
ucp_context_h devices(const std::string& transports) {
  if (!opened()) // and so outlives them
    return nullptr;
  static std::mutex guard;
  static std::map<std::string, context> all;
  std::lock_guard lock{guard};
  const auto [at, is_new] = all.try_emplace(transports);
  if (is_new)
    at->second = open_devices(transports);
  return at->second.get();
}

class category final : public std::error_category {
public:
  const char* name() const noexcept override { return "ucx"; }
  std::string message(int code) const override {
    return std::string{"UCX: "} +
           ucx().ucs_status_string(static_cast<ucs_status_t>(code));
  }
};

std::error_code error_of(ucs_status_t status) {
  static const category all;
  return {status, all};
}

// Then others on this thread have their turn.
constexpr int rounds_a_turn = 64;
// So often it is tried again at once.
constexpr int tries = 16;
constexpr std::chrono::microseconds pause{100};

// A span that is on its way; UCX writes how it ended.
struct job {
  channel::done then;
  bool through = false;
  ucs_status_t how = UCS_OK;

  void began(ucs_status_ptr_t with) {
    through = !UCS_PTR_IS_PTR(with);
    if (through)
      how = UCS_PTR_STATUS(with);
  }
  void ended(void* request, ucs_status_t status) {
    through = true;
    how = status;
    ucx().ucp_request_free(request);
  }
};
using jobs = std::deque<job>; // they stay where they are

struct conduit : std::enable_shared_from_this<conduit> {
  conduit(stream::executor_type on, worker w, int events)
      : executor(on), wakes(on, events), retry(on), works(std::move(w)) {}

  bool reach(const std::string& address) {
    ucp_ep_params_t params{};
    params.field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS |
                        UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE |
                        UCP_EP_PARAM_FIELD_ERR_HANDLER;
    params.address = reinterpret_cast<const ucp_address_t*>(address.data());
    params.err_handler = {[](void* self, ucp_ep_h, ucs_status_t how) {
                            static_cast<conduit*>(self)->fail(error_of(how));
                          },
        this};
    // Shared memory cannot tell that a peer has failed; RDMA must.
    for (auto mode : {UCP_ERR_HANDLING_MODE_PEER, UCP_ERR_HANDLING_MODE_NONE}) {
      params.err_mode = mode;
      if (ucx().ucp_ep_create(works.get(), &params, &to) == UCS_OK)
        return true;
    }
    return false;
  }

  void send(std::span<const std::byte> from, channel::done then) {
    auto& it = sending.emplace_back(std::move(then));
    ucp_request_param_t how = with(it);
    how.cb.send = [](void* request, ucs_status_t status, void* of) {
      static_cast<job*>(of)->ended(request, status);
    };
    it.began(works && !from.empty()
                 ? ucx().ucp_stream_send_nbx(to, from.data(), from.size(), &how)
                 : nullptr);
    take_turn_later();
  }

  void receive(std::span<std::byte> into, channel::done then) {
    auto& it = receiving.emplace_back(std::move(then));
    ucp_request_param_t how = with(it);
    how.op_attr_mask |= UCP_OP_ATTR_FIELD_FLAGS;
    how.flags = UCP_STREAM_RECV_FLAG_WAITALL;
    how.cb.recv_stream = [](void* request, ucs_status_t status, std::size_t,
                             void* of) {
      static_cast<job*>(of)->ended(request, status);
    };
    std::size_t all = 0;
    it.began(works && !into.empty() ? ucx().ucp_stream_recv_nbx(to, into.data(),
                                          into.size(), &all, &how)
                                    : nullptr);
    take_turn_later();
  }

  static ucp_request_param_t with(job& it) {
    ucp_request_param_t how{};
    how.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA;
    how.user_data = &it;
    return how;
  }

  void listen() {
    auto byte = std::make_shared<std::byte>();
    bell->receive(
        {byte.get(), 1}, [byte, weak = weak_from_this()](std::error_code e) {
          if (auto self = weak.lock()) // and it has nothing to say
            self->fail(e ? e : std::make_error_code(std::errc::bad_message));
        });
  }

  void fail(std::error_code why) {
    if (!ended)
      ended = why;
    take_turn_later();
  }

  void close() {
    closed = true;
    if (bell)
      bell->close();
    fail(std::make_error_code(std::errc::operation_canceled));
  }

  void take_turn_later() {
    if (auto self = weak_from_this().lock(); self && !turn_comes) {
      turn_comes = true;
      asio::post(executor, [self] {
        self->turn_comes = false;
        self->turn();
      });
    }
  }

  // Calls back between two rounds, so that what comes finds its place.
  void turn() {
    for (int i = 0; i < rounds_a_turn && works && !closed; ++i) {
      const bool moved = ucx().ucp_worker_progress(works.get()) != 0;
      const bool sent = finish(sending), came = finish(receiving);
      if (!moved && !sent && !came)
        return ended ? end() : rest();
      tried = 0;
    }
    works && !closed ? take_turn_later() : end();
  }

  bool finish(jobs& of) {
    bool some = false;
    for (; !of.empty() && of.front().through && !closed; some = true) {
      if (of.front().how != UCS_OK) {
        fail(error_of(of.front().how));
        return some;
      }
      finish_first(of, {});
    }
    return some;
  }

  static void finish_first(jobs& of, std::error_code how) {
    auto then = std::move(of.front().then);
    of.pop_front();
    then(how);
  }

  // With its worker, whatever is under way ends; those that are there now are
  // told: what they ask for in turn fails by itself.
  void end() {
    works.reset();
    wakes.cancel();
    retry.cancel();
    for (auto* each : {&sending, &receiving})
      for (auto left = each->size(); left > 0; --left)
        finish_first(*each, ended);
  }

  // Until something happens; nothing does, that is of use, while nothing is
  // asked for: the next call looks by itself.
  void rest() {
    if (sending.empty() && receiving.empty())
      return;
    const auto armed = ucx().ucp_worker_arm(works.get());
    if (armed == UCS_ERR_BUSY)
      return try_again();
    if (armed != UCS_OK)
      return fail(error_of(armed));
    if (!std::exchange(waits, true))
      wakes.async_wait(asio::posix::stream_descriptor::wait_read,
          [self = shared_from_this()](network_error) {
            self->waits = false;
            self->turn();
          });
  }

  // Its file does not tell of everything, such as room at the other end.
  void try_again() {
    if (++tried <= tries)
      return take_turn_later();
    retry.expires_after(pause);
    retry.async_wait([self = shared_from_this()](network_error e) {
      if (!e)
        self->turn();
    });
  }

  stream::executor_type executor;
  asio::posix::stream_descriptor wakes;
  asio::steady_timer retry;
  std::unique_ptr<channel> bell;
  jobs sending, receiving;
  worker works; // goes before them: it ends them
  ucp_ep_h to = nullptr;
  std::error_code ended;
  int tried = 0; // in vain
  bool closed = false, turn_comes = false, waits = false;
};

class real_channel final : public ucx_channel {
public:
  explicit real_channel(std::shared_ptr<conduit> of)
      : conduit_(std::move(of)) {}
  ~real_channel() override { conduit_->close(); }

  std::string address() const override {
    ucp_address_t* at = nullptr;
    std::size_t size = 0;
    auto* of = conduit_->works.get();
    if (ucx().ucp_worker_get_address(of, &at, &size) != UCS_OK)
      return {};
    std::string result{reinterpret_cast<const char*>(at), size};
    ucx().ucp_worker_release_address(of, at);
    return result;
  }
  bool reach(const std::string& there) override {
    return conduit_->reach(there);
  }
  void watch(std::unique_ptr<channel> bell) override {
    conduit_->bell = std::move(bell);
    conduit_->listen();
  }
  void send(std::span<const std::byte> from, done then) override {
    conduit_->send(from, std::move(then));
  }
  void receive(std::span<std::byte> to, done then) override {
    conduit_->receive(to, std::move(then));
  }
  void close() override { conduit_->close(); }

private:
  std::shared_ptr<conduit> conduit_;
};

} // namespace

bool ucx_channel::available(const std::string& transports) {
  return devices(transports) != nullptr;
}

std::unique_ptr<ucx_channel> ucx_channel::make(
    stream::executor_type on, const std::string& transports) {
  const auto over = devices(transports);
  ucp_worker_params_t params{};
  params.field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE;
  params.thread_mode = UCS_THREAD_MODE_SINGLE;
  ucp_worker_h made = nullptr;
  if (!over || ucx().ucp_worker_create(over, &params, &made) != UCS_OK)
    return nullptr;
  worker own{made};
  int events = -1; // the worker's own
  if (ucx().ucp_worker_get_efd(made, &events) != UCS_OK)
    return nullptr;
  const int ours = ::dup(events);
  if (ours < 0)
    return nullptr;
  return std::make_unique<real_channel>(
      std::make_shared<conduit>(on, std::move(own), ours));
}

} // namespace troupe::cluster
