#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/ids.hpp"
#include "protocols/membership/decisions.hpp"
#include "protocols/resident_client.hpp"

namespace troupe::membership {

/// Which client each identity is: numbers behind those of all placed clients,
/// in the order in which identities first came. An identity keeps its number
/// and its key for as long as the run lasts, whichever process has it. A value.
class clientele {
public:
  explicit clientele(client_id first = 0,
      const std::vector<resident_client>& known = {},
      std::size_t most = 100'000);

  /// Why nobody may come so: the name belongs to another key, or there is no
  /// number left.
  std::optional<refusal> objection(
      const std::string& identity, const std::string& key) const;
  /// The client of an identity to which there is no objection.
  client_id client_of(const std::string& identity, const std::string& key);

  const resident_client* find(std::string_view identity) const noexcept;
  std::size_t size() const noexcept { return all_.size(); }

private:
  client_id next_;
  std::size_t most_;
  std::map<std::string, resident_client, std::less<>> all_; ///< by identity
};

} // namespace troupe::membership
