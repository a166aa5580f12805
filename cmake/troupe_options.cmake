# One INTERFACE target carries warnings and sanitizers; troupe_library() makes
# one house folder into one library with the alias troupe::<folder>.
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths below the source tree count relative, so that clones share results. A
  # precompiled header counts by what troupe_precompiled.cmake writes beside it.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND};-E;env"
    "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR};CCACHE_NOHASHDIR=1"
    "CCACHE_SLOPPINESS=pch_defines,time_macros;CCACHE_PCH_EXTSUM=1;${CCACHE}")
  set(CMAKE_CUDA_COMPILER_LAUNCHER "${CMAKE_CXX_COMPILER_LAUNCHER}")
endif()
find_program(MOLD mold)
if(MOLD AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=mold)
endif()
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")

# troupe_options is everybody's; troupe_rule_options leaves out checks that only
# arithmetic can fail; troupe_actor_options is for what is made of CAF and for the
# code of tests, which is read by the compiler more often than it runs.
add_library(troupe_options INTERFACE)
add_library(troupe_rule_options INTERFACE)
add_library(troupe_actor_options INTERFACE)
set(cxx_options
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -ffp-contract=off "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")
# Host code of .cu files; their device code is nvcc's own affair.
set(cuda_options -Xcompiler=-Wall,-Wextra,-Wshadow,-ffp-contract=off)
if(TROUPE_WERROR)
  list(APPEND cxx_options -Werror)
  list(APPEND cuda_options -Xcompiler=-Werror)
endif()
if(TROUPE_SANITIZERS)
  string(REPLACE "," ";" sanitizers "${TROUPE_SANITIZERS}")
  set(TROUPE_SANITIZER_FLAGS -fsanitize=${TROUPE_SANITIZERS})
  list(APPEND cxx_options ${TROUPE_SANITIZER_FLAGS}
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # What the address sanitizer finds as well, at a third of the compiler's time.
  if("undefined" IN_LIST sanitizers)
    set(rule_options -fno-sanitize=null,alignment,vptr,object-size)
  endif()
  set(actor_options -O0 ${rule_options})
endif()
foreach(options troupe_options troupe_rule_options troupe_actor_options)
  target_compile_features(${options} INTERFACE cxx_std_20)
  target_link_options(${options} INTERFACE ${TROUPE_SANITIZER_FLAGS})
  target_compile_options(${options} INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:${cxx_options}>"
    "$<$<COMPILE_LANGUAGE:CUDA>:${cuda_options}>")
endforeach()
target_compile_options(troupe_rule_options INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:${rule_options}>")
target_compile_options(troupe_actor_options INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:${actor_options}>")
include(troupe_precompiled)

# troupe_library(<folder> SOURCES ... PUBLIC ... PRIVATE ...)
function(troupe_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  set(options troupe_rule_options)
  if(name STREQUAL gpu)
    set(options troupe_options)
  elseif(name MATCHES "^(actors|monitoring)$")
    set(options troupe_actor_options)
  endif()
  add_library(troupe_${name} STATIC ${ARG_SOURCES})
  add_library(troupe::${name} ALIAS troupe_${name})
  set_target_properties(troupe_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(troupe_${name} PUBLIC cxx_std_20)
  target_include_directories(troupe_${name} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/troupe>")
  target_link_libraries(troupe_${name}
    PUBLIC ${ARG_PUBLIC}
    PRIVATE $<BUILD_INTERFACE:${options}> ${ARG_PRIVATE})
  # Whoever links an instrumented library needs the sanitizer's runtime.
  target_link_options(troupe_${name} INTERFACE ${TROUPE_SANITIZER_FLAGS})
  set_property(GLOBAL APPEND PROPERTY TROUPE_FOLDERS ${name})
endfunction()
