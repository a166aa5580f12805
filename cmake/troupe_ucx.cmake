# A channel over UCX: built where its headers are found, and nowhere needed. Sets
# TROUPE_WITH_UCX and says what was found. The library is opened when it is first
# used, so that a program built here starts on a machine without it.
set(TROUPE_UCX AUTO CACHE STRING "A channel over UCX: AUTO, ON or OFF")
set_property(CACHE TROUPE_UCX PROPERTY STRINGS AUTO ON OFF)
set(TROUPE_WITH_UCX OFF)
if(TROUPE_UCX STREQUAL OFF)
  message(STATUS "UCX: left out (TROUPE_UCX=OFF)")
  return()
endif()

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(ucx QUIET ucx>=1.11)
endif()
if(ucx_FOUND)
  set(TROUPE_WITH_UCX ON)
  message(STATUS "UCX: ${ucx_VERSION}")
elseif(TROUPE_UCX STREQUAL ON)
  message(FATAL_ERROR "UCX: asked for, but pkg-config knows no ucx of 1.11 "
    "or later (Debian: libucx-dev)")
else()
  message(STATUS "UCX: not found; Troupe is built without it")
endif()
