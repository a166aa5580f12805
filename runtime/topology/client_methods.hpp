#pragma once

#include <cstdint>
#include <variant>

namespace troupe {

/// How clients descend; the keys [client] lr to clip.
struct sgd {
  float lr = 0.05f;
  float lr_decay = 1.0f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  float clip = 0.0f;
};

/// The same, and its objective has mu/2 |w - start|^2 (FedProx, Li et al.
/// 2020).
struct fedprox {
  float lr = 0.05f;
  float mu = 0.01f;
  float lr_decay = 1.0f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  float clip = 0.0f;
};

/// As `sgd` does; but updates count by what their local steps amount to
/// (FedNova, Wang et al. 2020).
struct fednova {
  float lr = 0.05f;
  float lr_decay = 1.0f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  float clip = 0.0f;
};

/// As `sgd` does, each gradient corrected by what the server and the client
/// know of how the client's differ (SCAFFOLD, Karimireddy et al. 2020).
struct scaffold {
  float lr = 0.05f;
  float lr_decay = 1.0f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  float clip = 0.0f;
};

/// Each client's objective has a term that moves from round to round, until all
/// of them agree with the sum (FedDyn, Acar et al. 2021).
struct feddyn {
  float lr = 0.05f;
  float alpha = 0.01f;
  float lr_decay = 1.0f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  float clip = 0.0f;
};

/// How clients train; the key client.method.
using client_method = std::variant<sgd, fedprox, fednova, scaffold, feddyn>;

/// How much a client trains under one lease; `steps` > 0 replaces `epochs`.
struct local {
  std::uint32_t epochs = 1;
  std::uint32_t steps = 0;
  std::uint32_t batch = 10; ///< 0: all samples at once
  float seconds = 0.0f;     ///< what it has by then is its update; 0: all of it
};

} // namespace troupe
