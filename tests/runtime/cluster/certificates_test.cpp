#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/revocations.hpp"
#include "tests/runtime/scratch_directory.hpp"

#include <gmock/gmock.h>

#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace troupe::cluster {
namespace {

using namespace certificates;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

template <class Act>
std::string complaint(Act act) {
  try {
    act();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "none";
}

class certificates_test : public testing::Test {
protected:
  certificate shown(const std::string& name) const {
    auto path = root / (name + ".pem");
    return std::move(certificates_in(files::system(), path).front());
  }
  bool names(const std::string& name, const std::string& host) const {
    auto held = shown(name);
    return X509_check_ip_asc(held.get(), host.c_str(), 0) == 1 ||
           X509_check_host(held.get(), host.c_str(), host.size(),
               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
  }
  std::set<std::string> revoked() const {
    auto path = root / "revoked.pem";
    return serials_in(*revocations_in(files::system(), path).front());
  }
  static unsigned mode(const std::filesystem::path& path) {
    struct stat facts {};
    EXPECT_EQ(::stat(path.c_str(), &facts), 0) << path;
    return facts.st_mode & 0777;
  }
  std::string text(const std::string& name) const {
    return files::system().read_all(root / name);
  }

  tests::scratch_directory scratch;
  std::filesystem::path root = scratch / "certs";
};

TEST_F(certificates_test, makes_an_authority_and_the_coordinators_certificate) {
  init(root, {"train.example.org"});

  EXPECT_THAT(files::system().list(root),
      ElementsAre("ca.key", "ca.pem", "coordinator.key", "coordinator.pem",
          "index", "revoked.pem"));
  EXPECT_EQ(name_of(*shown("coordinator")), "coordinator");
  std::array<char, 256> machine{};
  ASSERT_EQ(::gethostname(machine.data(), machine.size() - 1), 0);
  for (std::string host : {"coordinator", "localhost", "127.0.0.1", "::1",
           "train.example.org", static_cast<const char*>(machine.data())})
    EXPECT_TRUE(names("coordinator", host)) << host;
  EXPECT_FALSE(names("coordinator", "example.org"));
}

TEST_F(certificates_test, keeps_keys_for_their_owner) {
  auto before = ::umask(0);
  init(root);
  issue(root, "alpha");
  ::umask(before);

  for (auto key : {"ca.key", "coordinator.key", "alpha.key"})
    EXPECT_EQ(mode(root / key), 0600u) << key;
  EXPECT_EQ(mode(root / "alpha.pem"), 0666u);
  EXPECT_THAT(text("alpha.pem"), Not(HasSubstr("PRIVATE")));
}

TEST_F(certificates_test, issues_what_serves_both_ends_and_signs_nothing) {
  init(root);
  auto made = issue(root, "alpha", {.hosts = {"10.1.2.3", "alpha.lan"}});

  auto held = shown("alpha");
  EXPECT_EQ(made.serial, serial_of(*held));
  EXPECT_EQ(X509_verify(held.get(), X509_get0_pubkey(shown("ca").get())), 1);
  EXPECT_EQ(X509_check_purpose(held.get(), X509_PURPOSE_SSL_CLIENT, 0), 1);
  EXPECT_EQ(X509_check_purpose(held.get(), X509_PURPOSE_SSL_SERVER, 0), 1);
  EXPECT_EQ(X509_check_ca(held.get()), 0);
  EXPECT_EQ(X509_check_ca(shown("ca").get()), 1);
  EXPECT_TRUE(names("alpha", "10.1.2.3"));
  EXPECT_TRUE(names("alpha", "alpha.lan"));
  EXPECT_TRUE(names("alpha", "alpha"));
  EXPECT_FALSE(names("alpha", "localhost"));
}

TEST_F(certificates_test, never_replaces_an_authority) {
  init(root);
  auto before = text("ca.key");

  EXPECT_THAT(complaint([&] { init(root); }),
      HasSubstr("ca.key is there: an authority is never replaced"));
  std::filesystem::remove(root / "ca.key");
  EXPECT_THAT(complaint([&] { init(root); }), HasSubstr("ca.pem is there"));

  EXPECT_FALSE(files::exists(root / "ca.key"));
  EXPECT_FALSE(before.empty());
}

TEST_F(certificates_test, refuses_a_second_certificate_but_to_renew_it) {
  init(root);
  auto first = issue(root, "alpha");
  auto before = text("alpha.pem");

  EXPECT_THAT(complaint([&] { issue(root, "alpha"); }),
      HasSubstr("alpha has a certificate that is good until 20"));
  EXPECT_EQ(text("alpha.pem"), before);

  auto second = issue(root, "alpha", {.renew = true});
  EXPECT_EQ(serial_of(*shown("alpha")), second.serial);
  EXPECT_NE(key_digest_of(*shown("alpha")), "");
  EXPECT_NE(second.serial, first.serial);
  EXPECT_EQ(revoke(root, "alpha").size(), 2u);
  EXPECT_THAT(
      revoked(), testing::UnorderedElementsAre(first.serial, second.serial));
}

TEST_F(certificates_test, replaces_what_is_revoked_or_has_expired) {
  init(root);
  issue(root, "alpha", {.days = -1});
  auto second = issue(root, "alpha");
  revoke(root, "alpha");
  auto third = issue(root, "alpha");

  auto all = list(root);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].name, "coordinator");
  EXPECT_TRUE(all[0].good(now()));
  EXPECT_TRUE(all[1].revoked); // `revoke` takes all of a name
  EXPECT_TRUE(all[2].revoked);
  EXPECT_EQ(all[2].serial, second.serial);
  EXPECT_TRUE(all[3].good(now()));
  EXPECT_EQ(serial_of(*shown("alpha")), third.serial);
}

TEST_F(certificates_test, leaves_files_that_it_did_not_make) {
  init(root);
  std::ofstream{root / "alpha.key"} << "mine";

  EXPECT_THAT(complaint([&] { issue(root, "alpha"); }),
      HasSubstr("alpha.key is there and was not issued here; move it away"));
  EXPECT_EQ(text("alpha.key"), "mine");
}

TEST_F(certificates_test, revokes_by_a_list_that_the_authority_signs) {
  init(root);
  auto one = issue(root, "one");
  auto two = issue(root, "two");
  auto number = [&] {
    auto held = std::move(
        revocations_in(files::system(), root / "revoked.pem").front());
    EXPECT_EQ(
        X509_CRL_verify(held.get(), X509_get0_pubkey(shown("ca").get())), 1);
    std::unique_ptr<ASN1_INTEGER, released_by<&ASN1_INTEGER_free>> count{
        static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(
            held.get(), NID_crl_number, nullptr, nullptr))};
    return ASN1_INTEGER_get(count.get());
  };
  EXPECT_EQ(number(), 1);

  revoke(root, "one");
  EXPECT_THAT(revoked(), ElementsAre(one.serial));
  revoke(root, "two");

  EXPECT_THAT(revoked(), testing::UnorderedElementsAre(one.serial, two.serial));
  EXPECT_EQ(number(), 3);
  EXPECT_THAT(complaint([&] { revoke(root, "two"); }),
      HasSubstr("index: two has none that is not revoked"));
  EXPECT_THAT(complaint([&] { revoke(root, "three"); }),
      HasSubstr("index: three has no certificate"));
}

TEST_F(certificates_test, lets_no_certificate_outlive_the_authority) {
  init(root);

  auto made = issue(root, "alpha", {.days = 36500});

  EXPECT_EQ(made.until, expiry_of(*shown("ca")));
  EXPECT_EQ(made.until, list(root).back().until);
}

TEST_F(certificates_test, knows_what_can_name_a_certificate) {
  for (auto good : {"alpha", "a", "9", "node-1", "node_1", "node.lan", "Alpha"})
    EXPECT_EQ(misnomer(good), "") << good;
  for (std::string bad : {"", ".", "..", "-a", ".a", "_a", "a/b", "a b", "a\nb",
           "\xc3\xa4", "a*", "ca", "revoked"})
    EXPECT_NE(misnomer(bad), "") << bad;
  EXPECT_EQ(misnomer(std::string(64, 'a')), "");
  EXPECT_NE(misnomer(std::string(65, 'a')), "");
  EXPECT_NE(misnomer(std::string_view{"a\0b", 3}), "");
}

TEST_F(certificates_test, refuses_names_and_hosts_before_it_writes) {
  init(root);
  auto before = files::system().list(root);

  EXPECT_THAT(complaint([&] { issue(root, "../alpha"); }),
      HasSubstr("../alpha is no name: letters, digits"));
  for (std::string host : {"", "*.lan", "a b", "a,DNS:b", "-a", "fe80::1%eth0"})
    EXPECT_THAT(complaint([&] { issue(root, "alpha", {.hosts = {host}}); }),
        HasSubstr("is no machine's name or address"));
  EXPECT_EQ(files::system().list(root), before);
}

TEST_F(certificates_test, says_what_a_directory_lacks) {
  EXPECT_THAT(complaint([&] { issue(scratch / "none", "alpha"); }),
      HasSubstr("none: cannot open: No such file"));
  EXPECT_THAT(complaint([&] { issue(scratch.path(), "alpha"); }),
      HasSubstr("holds no certificate authority; `troupe certs init "));
  init(root);
  std::ofstream{root / "index", std::ios::app} << "what is this\n";
  EXPECT_THAT(complaint([&] { list(root); }),
      testing::ContainsRegex("index: byte [1-9][0-9]+: expected SERIAL"));
  auto held = files::system().lock(root);
  EXPECT_THAT(complaint([&] { issue(root, "alpha"); }),
      HasSubstr("is in use by another troupe process"));
}

// Whatever step fails: no key that others may read, no certificate that could
// not be revoked, and the way on is open.
TEST_F(certificates_test, stays_whole_when_any_step_fails) {
  init(root);
  auto before = ::umask(0);
  auto failures = 0;
  for (std::uint64_t at = 1;; ++at) {
    files faulty{[at](file_operation, const std::filesystem::path&,
                     std::uint64_t in_all, std::uint64_t) {
      return in_all == at ? file_fault{file_fault::kind::fail, EIO}
                          : file_fault{};
    }};
    auto name = "node" + std::to_string(at);
    auto said = complaint([&] { issue(root, name, {}, faulty); });
    for (const auto& each : files::system().list(root))
      if (each.find(".key") != each.npos)
        EXPECT_EQ(mode(root / each), 0600u) << each;
    auto all = list(root);
    if (files::exists(root / (name + ".pem")))
      EXPECT_EQ(all.back().serial, serial_of(*shown(name)));
    if (said == "none")
      break;
    ++failures;
    EXPECT_THAT(said, HasSubstr("Input/output error")) << at;
    EXPECT_EQ(complaint([&] { issue(root, name, {.renew = true}); }), "none");
  }
  ::umask(before);

  EXPECT_GT(failures, 15);
}

TEST_F(certificates_test, revokes_wholly_or_not_at_all) {
  init(root);
  auto made = issue(root, "alpha");
  for (std::uint64_t at = 1;; ++at) {
    files faulty{[at](file_operation, const std::filesystem::path&,
                     std::uint64_t in_all, std::uint64_t) {
      return in_all == at ? file_fault{file_fault::kind::fail, EIO}
                          : file_fault{};
    }};
    auto said = complaint([&] { revoke(root, "alpha", faulty); });
    auto after = revoked();
    if (!after.empty()) {
      EXPECT_THAT(after, ElementsAre(made.serial));
      break;
    }
    ASSERT_NE(said, "none");
    ASSERT_LT(at, 100u);
  }
}

} // namespace
} // namespace troupe::cluster
