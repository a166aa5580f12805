# The package that checks a machine with a GPU: `cpack -G TGZ`, or the target
# gpu_check_package, makes one archive of the tests labelled `gpu`, the GPU
# benchmarks, the tool, and every shared library that a bare Linux lacks:
#
#   gpu-check            runs all of it
#   bin/ lib/ share/     programs find lib/ from where they are
#
# glibc and CUDA are the machine's own. See docs/gpu.md.
if(NOT TROUPE_WITH_CUDA OR NOT TROUPE_TESTS OR NOT TROUPE_BENCHMARKS)
  return()
endif()
get_property(tests GLOBAL PROPERTY TROUPE_GPU_TESTS)
get_property(benches GLOBAL PROPERTY TROUPE_GPU_BENCHES)
set(programs troupe ${tests} ${benches})
set(component gpu_check)

# DT_RPATH, unlike its successor, also counts for what the libraries in lib/
# need from each other.
set_property(TARGET ${programs} PROPERTY INSTALL_RPATH "\$ORIGIN/../lib")
set_property(TARGET ${tests} ${benches}
  PROPERTY INSTALL_RPATH_USE_LINK_PATH OFF)
set(files)
foreach(program IN LISTS programs)
  target_link_options(${program} PRIVATE -Wl,--disable-new-dtags)
  string(APPEND files " \"$<TARGET_FILE:${program}>\"")
endforeach()
install(TARGETS ${programs} RUNTIME DESTINATION bin
  COMPONENT ${component} EXCLUDE_FROM_ALL)

# The libraries under the names that programs ask for, without the links that a
# distribution puts before them.
set(own_glibc
  "^(ld-linux.*|lib(c|m|mvec|dl|rt|pthread|util|resolv|anl|nss_.*))\\.so")
install(CODE "set(programs ${files})\nset(glibc [[${own_glibc}]])"
  COMPONENT ${component} EXCLUDE_FROM_ALL)
install(CODE [[
  file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${programs}
    RESOLVED_DEPENDENCIES_VAR libraries
    PRE_EXCLUDE_REGEXES ${glibc})
  set(to "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/lib")
  file(MAKE_DIRECTORY "${to}")
  foreach(library IN LISTS libraries)
    get_filename_component(name "${library}" NAME)
    file(REAL_PATH "${library}" library)
    file(COPY_FILE "${library}" "${to}/${name}")
    execute_process(COMMAND strip --strip-unneeded "${to}/${name}"
      COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
]] COMPONENT ${component} EXCLUDE_FROM_ALL)

set(ours "${PROJECT_SOURCE_DIR}/tests/gpu/package")
install(PROGRAMS "${ours}/gpu-check" DESTINATION .
  COMPONENT ${component} EXCLUDE_FROM_ALL)
install(FILES
  "${ours}/README.md" "${ours}/fashion.toml" "${ours}/fashion_cnn.toml"
  "${ours}/synthetic.toml" "${ours}/rows.txt" "${ours}/table.awk"
  "${PROJECT_SOURCE_DIR}/tests/bench/gpu_torch_peer.py"
  "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION share COMPONENT ${component} EXCLUDE_FROM_ALL)

string(TOLOWER "${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR}" system)
set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_NAME troupe-gpu-check)
set(CPACK_PACKAGE_FILE_NAME
  "troupe-gpu-check-${PROJECT_VERSION}-${system}")
set(CPACK_COMPONENTS_ALL ${component})
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_COMPONENT_INCLUDE_TOPLEVEL_DIRECTORY ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)
set(CPACK_VERBATIM_VARIABLES ON)
include(CPack)

add_custom_target(gpu_check_package
  COMMAND "${CMAKE_CPACK_COMMAND}" -G TGZ
  DEPENDS ${programs}
  WORKING_DIRECTORY "${PROJECT_BINARY_DIR}"
  COMMENT "Packing ${CPACK_PACKAGE_FILE_NAME}.tar.gz"
  VERBATIM USES_TERMINAL)
