#include "runtime/simulation/trace.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace troupe::simulation {
namespace {

using namespace std::chrono_literals;

TEST(trace_test, has_stays_and_speeds) {
  const auto read = parse_trace("# measured\n"
                                "client,start,end\n"
                                "1,20,30.5\n"
                                "0,0,10\n"
                                "1,5,20\n"
                                "\n"
                                "up,client,samples_per_second,down\r\n"
                                "4e5,2,850,0\r\n",
      "trace.csv", 3);
  EXPECT_EQ(read.stays.at(0),
      (std::vector<trace::stay>{{instant{0s}, instant{10s}}}));
  EXPECT_EQ(
      read.stays.at(1), (std::vector<trace::stay>{{instant{5s}, instant{20s}},
                            {instant{20s}, instant{30500ms}}}));
  EXPECT_FALSE(read.stays.contains(2));
  EXPECT_EQ(read.of.at(2).samples_per_second, 850.0);
  EXPECT_EQ(read.of.at(2).down, 0.0);
  EXPECT_EQ(read.of.at(2).up, 4e5);
}

TEST(trace_test, says_which_line_is_wrong_and_why) {
  const std::pair<std::string, std::string> wrong[]{
      {"0,1,2\n", "t.csv:1: no line has named the columns yet, like "
                  "client,start,end"},
      {"client,start\n", "t.csv:1: the columns are neither client,start,end "
                         "nor client,samples_per_second,down,up"},
      {"client,start,end\n0,1\n", "t.csv:2: it has 2 fields, and there are 3 "
                                  "columns"},
      {"client,start,end\n0,1,x\n", "t.csv:2: end = x is no number from 0 up"},
      {"client,start,end\n0,-1,2\n",
          "t.csv:2: start = -1 is no number from 0 up"},
      {"client,start,end\n0,1,nan\n",
          "t.csv:2: end = nan is no number from 0 up"},
      {"client,start,end\n3,1,2\n", "t.csv:2: client 3 is not one of 0 to 2"},
      {"client,start,end\n0.5,1,2\n",
          "t.csv:2: client 0.5 is not one of 0 to 2"},
      {"client,start,end\n0,2,2\n", "t.csv:2: client 0 goes at 2, and comes "
                                    "at 2"},
      {"client,start,end\n0,0,9\n1,0,1\n0,8,12\n",
          "t.csv:4: client 0 is there already: line 2 has it until 9"},
      {"client,samples_per_second,down,up\n0,0,1,1\n",
          "t.csv:2: client 0 would never be done: samples_per_second = 0"},
      {"client,samples_per_second,down,up\n0,5,1,1\n0,6,1,1\n",
          "t.csv:3: client 0 has its speeds in line 2 already"},
      {"client,start,end\n0,1,2", "t.csv:2: it is torn: a trace ends with the "
                                  "end of a line"},
  };
  for (const auto& [text, why] : wrong) {
    try {
      parse_trace(text, "t.csv", 3);
      ADD_FAILURE() << text;
    } catch (const bad_trace& error) {
      EXPECT_EQ(error.what(), why);
    }
  }
}

} // namespace
} // namespace troupe::simulation
