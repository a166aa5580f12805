#include "runtime/cli/command.hpp"
#include "runtime/cluster/certificates.hpp"
#include "tests/runtime/scratch_directory.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace troupe::cli {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

class certs_test : public testing::Test {
protected:
  struct answer {
    int code = -1;
    std::string out;
    std::string err;
  };

  static answer certs(std::vector<std::string> words) {
    std::ostringstream out;
    std::ostringstream err;
    console to{out, err};
    words.insert(words.begin(), "certs");
    auto code = act(words, to);
    return {code, out.str(), err.str()};
  }
  static std::string refused(const std::vector<std::string>& words) {
    auto said = certs(words);
    EXPECT_EQ(said.code, 2);
    EXPECT_EQ(said.out, "");
    return said.err.substr(0, said.err.find("; see `troupe certs --help`"));
  }

  tests::scratch_directory scratch;
  std::string root = (scratch / "certs").string();
};

TEST_F(certs_test, makes_a_cluster_its_certificates) {
  auto made =
      certs({"init", root, "--host", "train.lan", "--host", "10.1.2.3"});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, StartsWith(root + ": a new certificate authority"));

  auto issued = certs({"issue", root, "alpha", "--days", "30"});
  EXPECT_EQ(issued.code, 0) << issued.err;
  EXPECT_THAT(
      issued.out, MatchesRegex(root + "/alpha.pem, " + root +
                               "/alpha.key: good until 20..-..-..\n"
                               "alpha needs ca.pem, revoked.pem, alpha.pem and "
                               "alpha.key\n"));

  auto revoked = certs({"revoke", root, "alpha"});
  EXPECT_EQ(revoked.code, 0) << revoked.err;
  EXPECT_THAT(revoked.out,
      MatchesRegex("alpha [0-9A-F]+: revoked\nnodes hear of it by .*\n"));

  auto list = certs({"list", root});
  EXPECT_EQ(list.code, 0) << list.err;
  EXPECT_THAT(list.out,
      MatchesRegex("coordinator  good     until 20..-..-..  [0-9A-F]+\n"
                   "alpha        revoked  until 20..-..-..  [0-9A-F]+\n"));
}

TEST_F(certs_test, fails_where_the_directory_will_not_do) {
  certs({"init", root});
  auto said = [](const answer& of) {
    EXPECT_EQ(of.code, 1);
    return of.err;
  };

  EXPECT_THAT(said(certs({"init", root})), HasSubstr("is never replaced"));
  certs({"issue", root, "alpha"});
  EXPECT_THAT(said(certs({"issue", root, "alpha"})),
      HasSubstr("`troupe certs revoke " + root +
                " alpha` takes it back, --renew adds another"));
  EXPECT_EQ(certs({"issue", root, "alpha", "--renew"}).code, 0);
  EXPECT_THAT(said(certs({"revoke", root, "beta"})),
      HasSubstr("beta has no certificate"));
  EXPECT_THAT(said(certs({"list", root + "/none"})), HasSubstr("cannot open"));
}

TEST_F(certs_test, refuses_a_command_line_that_makes_no_sense) {
  EXPECT_EQ(refused({"init"}),
      "troupe: certs needs init|issue|revoke|list DIR [NAME]");
  EXPECT_EQ(refused({"isue", root, "alpha"}),
      "troupe: certs does init, issue, revoke and list, not isue (did you mean "
      "issue?)");
  EXPECT_EQ(refused({"issue", root}), "troupe: certs issue needs DIR NAME");
  EXPECT_EQ(refused({"revoke", root}), "troupe: certs revoke needs DIR NAME");
  EXPECT_EQ(refused({"init", root, "alpha"}),
      "troupe: certs init does not know what to do with alpha");
  EXPECT_EQ(refused({"list", root, "--renew"}),
      "troupe: certs list takes no --renew");
  EXPECT_EQ(
      refused({"issue", root, "a b"}).substr(0, 23), "troupe: a b is no name:");
  EXPECT_EQ(refused({"issue", root, "alpha", "--host", "*.lan"}),
      "troupe: --host *.lan is no machine's name or address");
  for (std::string days : {"0", "-1", "x", "1x", "", "36501"})
    EXPECT_EQ(refused({"issue", root, "alpha", "--days", days}),
        "troupe: --days " + days + " is not a whole number from 1 to 36500");
  EXPECT_FALSE(files::exists(root));
}

} // namespace
} // namespace troupe::cli
