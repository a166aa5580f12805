# One INTERFACE target carries warnings and sanitizers; troupe_library() makes
# one house folder into one library with the alias troupe::<folder>.
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# -O3 without -DNDEBUG's loss of checks would cost; asserts are for Debug.
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")

add_library(troupe_options INTERFACE)
target_compile_features(troupe_options INTERFACE cxx_std_20)
target_compile_options(troupe_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -ffp-contract=off)
if(TROUPE_WERROR)
  target_compile_options(troupe_options INTERFACE -Werror)
endif()
if(TROUPE_SANITIZERS)
  set(flags -fsanitize=${TROUPE_SANITIZERS} -fno-omit-frame-pointer)
  target_compile_options(troupe_options INTERFACE ${flags})
  target_link_options(troupe_options INTERFACE ${flags})
endif()

# troupe_library(<folder> SOURCES ... PUBLIC ... PRIVATE ...)
function(troupe_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(troupe_${name} STATIC ${ARG_SOURCES})
  add_library(troupe::${name} ALIAS troupe_${name})
  set_target_properties(troupe_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(troupe_${name} PUBLIC cxx_std_20)
  target_include_directories(troupe_${name} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/troupe>")
  target_link_libraries(troupe_${name}
    PUBLIC ${ARG_PUBLIC}
    PRIVATE $<BUILD_INTERFACE:troupe_options> ${ARG_PRIVATE})
  set_property(GLOBAL APPEND PROPERTY TROUPE_LIBRARIES troupe_${name})
endfunction()
