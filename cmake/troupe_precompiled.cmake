# Headers of CAF and GoogleTest cost more to read than most of our files to
# compile. In instrumented builds (dev, tsan) actors and tests begin with a set
# of them that was read once: troupe_precompile(<target> <set>). They are other
# people's headers alone. Release builds and check_headers do without, so an
# include that is missing is found.
set(troupe_common_headers
  <algorithm> <chrono> <cstdint> <deque> <functional> <map> <memory> <optional>
  <span> <stdexcept> <string> <string_view> <thread> <unordered_map> <utility>
  <variant> <vector>)
set(troupe_caf_headers
  <caf/actor_system.hpp> <caf/actor_system_config.hpp>
  <caf/binary_deserializer.hpp> <caf/binary_serializer.hpp>
  <caf/default_enum_inspect.hpp> <caf/error.hpp> <caf/scoped_actor.hpp>
  <caf/send.hpp> <caf/stateful_actor.hpp> <caf/typed_actor.hpp>
  <caf/typed_event_based_actor.hpp>)
set(troupe_gtest_headers <gmock/gmock.h> <gtest/gtest.h>)

# ccache takes this file's content for the precompiled header's, so that clones
# share results: the same versions of the same headers are the same thing.
function(troupe_describe_precompiled target headers)
  set(dir "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${target}.dir")
  file(CONFIGURE OUTPUT "${dir}/cmake_pch.hxx.gch.sum" @ONLY CONTENT
    "${headers}\n${CMAKE_CXX_COMPILER_VERSION} CAF ${CAF_VERSION} \
GoogleTest ${GTest_VERSION} ${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_DEBUG}\n")
endfunction()

# The target that owns a set, made when it is first asked for.
function(troupe_precompiled_set set)
  set(headers ${troupe_common_headers})
  if(set MATCHES "caf")
    list(APPEND headers ${troupe_caf_headers})
  endif()
  set(owner troupe_precompiled_${set})
  set(source "${PROJECT_BINARY_DIR}/precompiled_${set}.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "int main() {}\n")
  if(set MATCHES "tests") # position-independent as programs are
    list(APPEND headers ${troupe_gtest_headers})
    add_executable(${owner} "${source}")
    target_link_libraries(${owner} PRIVATE troupe_actor_options GTest::gmock)
  else()
    add_library(${owner} OBJECT "${source}")
    target_link_libraries(${owner} PRIVATE troupe_actor_options)
  endif()
  if(set MATCHES "caf")
    target_link_libraries(${owner} PRIVATE CAF::core)
  endif()
  target_precompile_headers(${owner} PRIVATE ${headers})
  troupe_describe_precompiled(${owner} "${headers}")
endfunction()

# troupe_precompile(<target> <set>): caf, tests or caf_tests
function(troupe_precompile target set)
  if(NOT TROUPE_SANITIZERS OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  if(NOT TARGET troupe_precompiled_${set})
    troupe_precompiled_set(${set})
  endif()
  target_precompile_headers(${target} REUSE_FROM troupe_precompiled_${set})
endfunction()
