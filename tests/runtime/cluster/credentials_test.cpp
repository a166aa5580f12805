#include "runtime/cluster/credentials.hpp"
#include "runtime/cluster/tls.hpp"
#include "tests/runtime/scratch_directory.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace troupe::cluster {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

class credentials_test : public testing::Test {
protected:
  credentials_test() {
    certificates::init(root);
    certificates::issue(root, "alpha");
  }
  std::string complaint(const std::string& name = "alpha") const {
    try {
      tls_from(root, name);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "none";
  }
  std::string at(const std::string& file, const std::string& rest) const {
    return (root / file).string() + ": " + rest;
  }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream{root / name} << text;
  }
  std::string text(const fs::path& path) const {
    return files::system().read_all(path);
  }

  tests::scratch_directory scratch;
  fs::path root = scratch / "certs";
};

TEST_F(credentials_test, finds_whose_directory_it_is) {
  EXPECT_EQ(whose(root), "coordinator");

  fs::create_directory(scratch / "node");
  for (auto each : {"ca.pem", "revoked.pem", "alpha.pem", "alpha.key"})
    fs::copy(root / each, scratch / "node" / each);
  EXPECT_EQ(whose(scratch / "node"), "alpha");

  certificates::issue(root, "beta");
  fs::remove(root / "coordinator.key");
  EXPECT_THROW(
      try { whose(root); } catch (const tls_error& error) {
        EXPECT_EQ(error.what(), root.string() +
                                    ": holds the certificates of alpha, beta; "
                                    "say whose to show");
        throw;
      },
      tls_error);
  EXPECT_THROW(whose(scratch.path()), tls_error);
}

TEST_F(credentials_test, reads_what_certs_wrote) {
  EXPECT_EQ(complaint(), "none");
  EXPECT_EQ(complaint("coordinator"), "none");
  EXPECT_EQ(identity_in(root, "alpha").name, "alpha");
  EXPECT_TRUE(trusted_in(root).revoked().empty());
}

TEST_F(credentials_test, names_the_file_that_is_missing) {
  for (std::string each : {"ca.pem", "revoked.pem", "alpha.pem", "alpha.key"}) {
    auto kept = text(root / each);
    fs::remove(root / each);
    EXPECT_THAT(complaint(), StartsWith(at(each, "cannot open: No such file")));
    put(each, kept);
  }
  EXPECT_EQ(complaint(), "none");
}

TEST_F(credentials_test, names_the_file_that_is_damaged) {
  for (std::string each : {"ca.pem", "revoked.pem", "alpha.pem", "alpha.key"}) {
    auto kept = text(root / each);
    for (const auto& bad : {std::string{}, std::string{"hello\n"},
             kept.substr(0, kept.size() / 2), kept.substr(0, 100) + kept}) {
      put(each, bad);
      EXPECT_THAT(complaint(), StartsWith(at(each, ""))) << bad;
    }
    put(each, kept);
  }
  EXPECT_EQ(complaint(), "none");
}

TEST_F(credentials_test, refuses_the_key_of_another) {
  put("alpha.key", text(root / "coordinator.key"));

  EXPECT_EQ(complaint(),
      at("alpha.key", "is not the key of " + (root / "alpha.pem").string()));
}

TEST_F(credentials_test, refuses_what_another_authority_signed) {
  certificates::init(scratch / "other");

  put("revoked.pem", text(scratch / "other/revoked.pem"));
  EXPECT_EQ(complaint(),
      at("revoked.pem", "is not signed by the authority in ca.pem"));

  put("ca.pem", text(scratch / "other/ca.pem"));
  EXPECT_EQ(
      complaint(), at("alpha.pem", "is not signed by the authority in ca.pem"));
}

TEST_F(credentials_test, refuses_what_no_peer_would_take) {
  certificates::issue(root, "late", {.days = -1});
  EXPECT_EQ(complaint("late"), at("late.pem", "has expired"));

  certificates::revoke(root, "alpha");
  EXPECT_EQ(complaint("alpha"), at("alpha.pem", "is revoked"));
}

TEST_F(credentials_test, trusts_two_authorities_while_one_follows_the_other) {
  certificates::init(scratch / "next");
  put("ca.pem", text(root / "ca.pem") + text(scratch / "next/ca.pem"));
  put("revoked.pem",
      text(root / "revoked.pem") + text(scratch / "next/revoked.pem"));

  EXPECT_EQ(complaint(), "none");
  auto both = trusted_in(root);
  EXPECT_EQ(fault_of(identity_in(scratch / "next", "coordinator"), both), "");
}

} // namespace
} // namespace troupe::cluster
