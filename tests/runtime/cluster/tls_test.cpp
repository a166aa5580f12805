#include "runtime/cluster/signing.hpp"
#include "runtime/cluster/tls.hpp"
#include "runtime/record/sha256.hpp"
#include "tests/runtime/cluster/meeting.hpp"
#include "tests/runtime/scratch_directory.hpp"

#include <gmock/gmock.h>

#include <openssl/ssl.h>

namespace troupe::cluster {
namespace {

using testing::HasSubstr;
using tests::meeting;

class tls_test : public testing::Test {
protected:
  tls_test() {
    certificates::init(root);
    certificates::issue(root, "alpha", {.hosts = {"127.0.0.1", "localhost"}});
  }
  shared_tls own(const std::string& name) const { return tls_from(root, name); }
  // One that looks at nothing itself, as an attacker's would.
  static shared_tls bare() {
    auto made = std::make_shared<asio::ssl::context>(asio::ssl::context::tls);
    made->set_verify_mode(asio::ssl::verify_none);
    return made;
  }
  static shared_tls bare(
      const std::filesystem::path& from, const std::string& name) {
    auto made = bare();
    auto file = [&](const char* end) { return (from / (name + end)).string(); };
    made->use_certificate_chain_file(file(".pem"));
    made->use_private_key_file(file(".key"), asio::ssl::context::pem);
    return made;
  }

  tests::scratch_directory scratch;
  std::filesystem::path root = scratch / "certs";
};

TEST_F(tls_test, tells_each_end_who_the_other_is) {
  meeting both{own("coordinator"), own("alpha")};

  EXPECT_EQ(both.at_listener, "");
  EXPECT_EQ(both.at_dialler, "");
  EXPECT_EQ(peer_name(both.listener()), "alpha");
  EXPECT_EQ(peer_name(both.dialler()), "coordinator");
  EXPECT_EQ(peer_serial(both.listener()), certificates::list(root)[1].serial);
  EXPECT_EQ(SSL_version(both.listener().tls()), TLS1_3_VERSION);

  auto key = key_in(files::system(), root / "alpha.key");
  std::vector<unsigned char> info(1000);
  auto* end = info.data();
  info.resize(static_cast<std::size_t>(i2d_PUBKEY(key.get(), &end)));
  EXPECT_EQ(peer_key(both.listener()), sha256(std::as_bytes(std::span{info})));
}

TEST_F(tls_test, knows_nobody_in_the_clear) {
  meeting both{{}, shared_tls{}};

  EXPECT_EQ(both.at_listener, "");
  EXPECT_EQ(both.at_dialler, "");
  EXPECT_EQ(peer_name(both.listener()), "");
  EXPECT_EQ(peer_key(both.listener()), "");
  EXPECT_EQ(peer_serial(both.dialler()), "");
}

TEST_F(tls_test, refuses_a_peer_without_a_certificate) {
  meeting both{own("coordinator"), bare()};

  EXPECT_THAT(both.at_listener, HasSubstr("peer did not return a certificate"));
  EXPECT_THAT(both.at_dialler, HasSubstr("the peer refused: "));
  EXPECT_EQ(peer_name(both.listener()), "");
}

TEST_F(tls_test, refuses_a_peer_of_another_authority) {
  certificates::init(scratch / "other");
  certificates::issue(scratch / "other", "alpha");

  meeting node{own("coordinator"), bare(scratch / "other", "alpha")};
  EXPECT_EQ(node.at_listener, "the peer's certificate, alpha, is not signed by "
                              "the authority in ca.pem");
  EXPECT_THAT(node.at_dialler, HasSubstr("the peer refused: "));

  meeting coordinator{bare(scratch / "other", "coordinator"), own("alpha")};
  EXPECT_EQ(coordinator.at_dialler,
      "the peer's certificate, coordinator, is not signed by the authority in "
      "ca.pem");
}

// The same name and serial, in the name of our authority, by another key.
TEST_F(tls_test, refuses_a_forged_signature) {
  credential forger{
      std::move(certificates_in(files::system(), root / "ca.pem").front()),
      key_in(files::system(), root / "alpha.key")};
  auto forged = new_certificate(
      forger, {"coordinator", {}, now() + std::chrono::days{1}});
  files::system().write_atomically(root / "forged.pem", pem(*forged.shown));
  files::system().write_atomically(root / "forged.key", pem(*forged.key));

  meeting both{own("coordinator"), bare(root, "forged")};

  EXPECT_THAT(both.at_listener,
      HasSubstr("the peer's certificate, coordinator, certificate signature"));
}

TEST_F(tls_test, refuses_a_revoked_peer_at_either_end) {
  auto attacker = bare(root, "alpha");
  auto impostor = bare(root, "coordinator");
  certificates::revoke(root, "alpha");
  meeting node{own("coordinator"), attacker};
  EXPECT_EQ(node.at_listener, "the peer's certificate, alpha, is revoked");

  certificates::issue(root, "beta");
  certificates::revoke(root, "coordinator");
  meeting coordinator{impostor, own("beta")};
  EXPECT_EQ(coordinator.at_dialler,
      "the peer's certificate, coordinator, is revoked");
}

TEST_F(tls_test, refuses_an_expired_peer) {
  certificates::issue(root, "late", {.days = -1});

  meeting both{own("coordinator"), bare(root, "late")};

  EXPECT_EQ(both.at_listener, "the peer's certificate, late, has expired");
  EXPECT_THAT(both.at_dialler, HasSubstr("expired"));
}

TEST_F(tls_test, refuses_a_node_that_plays_the_coordinator) {
  meeting both{bare(root, "alpha"), own("coordinator")};

  EXPECT_EQ(
      both.at_dialler, "the peer's certificate, alpha, is not coordinator");
}

TEST_F(tls_test, takes_the_authority_for_nobody_that_it_issued) {
  meeting both{own("coordinator"), bare(root, "ca")};

  EXPECT_NE(both.at_listener, "");
  EXPECT_THAT(both.at_dialler, HasSubstr("the peer refused: "));
}

TEST_F(tls_test, asks_for_a_host_where_it_is_told) {
  for (auto host : {"localhost", "127.0.0.1", "::1"}) {
    meeting both{own("coordinator"), own("alpha"), {.host = host}};
    EXPECT_EQ(both.at_dialler, "") << host;
  }
  for (auto host : {"train.example.org", "10.1.2.3", "fe80::1"}) {
    meeting both{own("coordinator"), own("alpha"), {.host = host}};
    EXPECT_EQ(both.at_dialler,
        "the peer's certificate, coordinator, names other hosts than the one "
        "that was dialled")
        << host;
    EXPECT_THAT(both.at_listener, HasSubstr("the peer refused: "));
  }
}

TEST_F(tls_test, goes_by_the_host_alone_where_no_name_is_meant) {
  meeting right{own("alpha"), own("coordinator"), {"", "localhost"}};
  EXPECT_EQ(right.at_dialler, "");

  meeting wrong{own("alpha"), own("coordinator"), {"", "train.example.org"}};
  EXPECT_THAT(wrong.at_dialler, HasSubstr("alpha, names other hosts"));
}

TEST_F(tls_test, refuses_a_name_that_no_node_can_have) {
  credential authority{
      std::move(certificates_in(files::system(), root / "ca.pem").front()),
      key_in(files::system(), root / "ca.key")};
  auto odd = new_certificate(
      authority, {"odd\nname", {"odd"}, now() + std::chrono::days{1}});
  files::system().write_atomically(root / "odd.pem", pem(*odd.shown));
  files::system().write_atomically(root / "odd.key", pem(*odd.key));

  meeting both{own("coordinator"), bare(root, "odd")};

  EXPECT_EQ(both.at_listener, "the peer's certificate, has no common name that "
                              "can name a node");
}

TEST_F(tls_test, refuses_a_peer_in_the_clear) {
  for (std::string bytes :
      {"GET / HTTP/1.0\r\n\r\n", "hello, I am a node...."}) {
    meeting both{own("coordinator"), bytes};
    EXPECT_THAT(both.at_listener, HasSubstr("the peer speaks no TLS ("))
        << bytes;
  }
}

TEST_F(tls_test, refuses_what_is_older_than_tls_1_3) {
  auto old = bare(root, "alpha");
  SSL_CTX_set_max_proto_version(old->native_handle(), TLS1_2_VERSION);

  meeting both{own("coordinator"), old};

  EXPECT_THAT(both.at_listener, HasSubstr("unsupported protocol"));
}

// One that was would not show its certificate again.
TEST_F(tls_test, lets_no_session_be_taken_up_again) {
  auto node = bare(root, "alpha");
  SSL_CTX_set_session_cache_mode(node->native_handle(), SSL_SESS_CACHE_CLIENT);

  meeting both{own("coordinator"), node};

  ASSERT_EQ(both.at_dialler, "");
  auto* session = SSL_get0_session(both.dialler().tls());
  EXPECT_EQ(SSL_SESSION_is_resumable(session), 0);
}

TEST_F(tls_test, gives_its_buffers_back_between_reads) {
  EXPECT_NE(SSL_CTX_get_mode(own("alpha")->native_handle()) &
                SSL_MODE_RELEASE_BUFFERS,
      0);
}

} // namespace
} // namespace troupe::cluster
