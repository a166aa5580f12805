#include "runtime/cluster/tls_source.hpp"
#include "tests/runtime/cluster/meeting.hpp"
#include "tests/runtime/scratch_directory.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace troupe::cluster {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using tests::meeting;

class tls_source_test : public testing::Test {
protected:
  tls_source_test() {
    certificates::init(root);
    certificates::issue(root, "alpha");
    certificates::issue(root, "beta");
  }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream{root / name} << text;
  }
  std::string text(const std::string& name) const {
    return files::system().read_all(root / name);
  }
  std::string at(const std::string& file) const {
    return (root / file).string() + ": ";
  }

  tests::scratch_directory scratch;
  std::filesystem::path root = scratch / "certs";
};

TEST_F(tls_source_test, keeps_what_it_made_while_nothing_changes) {
  tls_source source{root};

  EXPECT_EQ(source.own_name(), "coordinator");
  auto first = source.now();
  certificates::issue(root, "gamma");
  EXPECT_EQ(source.now(), first);
  EXPECT_EQ(source.trouble(), "");
}

TEST_F(tls_source_test, hears_of_a_revocation) {
  tls_source source{root};
  auto alpha = tls_from(root, "alpha");
  auto beta = tls_from(root, "beta");
  meeting before{source.now(), alpha};
  ASSERT_EQ(before.at_dialler, "");
  auto serial = peer_serial(before.listener());
  EXPECT_FALSE(source.is_revoked(serial));

  certificates::revoke(root, "alpha");

  EXPECT_TRUE(source.is_revoked(serial));
  EXPECT_TRUE(before.speaks()); // until who asks ends it
  meeting after{source.now(), alpha};
  EXPECT_EQ(after.at_listener, "the peer's certificate, alpha, is revoked");
  meeting other{source.now(), beta};
  EXPECT_EQ(other.at_dialler, "");
  EXPECT_FALSE(source.is_revoked(peer_serial(other.listener())));
}

TEST_F(tls_source_test, keeps_the_old_where_a_file_is_damaged) {
  tls_source source{root};
  auto first = source.now();
  auto alpha = tls_from(root, "alpha");
  auto whole = text("revoked.pem");

  put("revoked.pem", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(source.trouble(), StartsWith(at("revoked.pem")));
  meeting meanwhile{source.now(), alpha};
  EXPECT_EQ(meanwhile.at_dialler, "");

  put("revoked.pem", whole);
  EXPECT_EQ(source.trouble(), "");
  EXPECT_NE(source.now(), first);
}

TEST_F(tls_source_test, keeps_the_old_where_a_file_is_gone) {
  tls_source source{root};
  auto alpha = tls_from(root, "alpha");

  std::filesystem::remove(root / "coordinator.key");
  std::filesystem::remove(root / "ca.pem");

  EXPECT_THAT(source.trouble(), HasSubstr(at("ca.pem")));
  EXPECT_THAT(source.trouble(), HasSubstr(at("coordinator.key")));
  meeting both{source.now(), alpha};
  EXPECT_EQ(both.at_dialler, "");
}

TEST_F(tls_source_test, hears_of_a_revocation_though_its_own_key_is_bad) {
  tls_source source{root};
  auto alpha = tls_from(root, "alpha");
  put("coordinator.key", "gone");

  certificates::revoke(root, "alpha");

  EXPECT_TRUE(source.is_revoked(certificates::list(root)[1].serial));
  meeting both{source.now(), alpha};
  EXPECT_EQ(both.at_listener, "the peer's certificate, alpha, is revoked");
  EXPECT_THAT(source.trouble(), StartsWith(at("coordinator.key")));
}

TEST_F(tls_source_test, shows_a_renewed_certificate) {
  tls_source source{root};
  auto alpha = tls_from(root, "alpha");

  auto renewed = certificates::issue(root, "coordinator", {.renew = true});

  meeting both{source.now(), alpha};
  EXPECT_EQ(both.at_dialler, "");
  EXPECT_EQ(peer_serial(both.dialler()), renewed.serial);
}

TEST_F(tls_source_test, keeps_its_name) {
  tls_source source{root};

  put("coordinator.pem", text("alpha.pem"));
  put("coordinator.key", text("alpha.key"));

  EXPECT_EQ(source.trouble(),
      at("coordinator.pem") +
          "names alpha; it named coordinator when this process began");
  meeting both{source.now(), tls_from(root, "beta")};
  EXPECT_EQ(peer_name(both.dialler()), "coordinator");
}

TEST_F(tls_source_test, begins_with_nothing_that_will_not_do) {
  certificates::revoke(root, "alpha");

  EXPECT_THROW((tls_source{root, "alpha"}), tls_error);
  EXPECT_THROW((tls_source{root, "none"}), file_error);
}

} // namespace
} // namespace troupe::cluster
