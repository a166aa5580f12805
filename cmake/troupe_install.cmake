# `cmake --install` and the package that find_package(troupe) reads: one
# library a folder (troupe::gpu, troupe::actors, ...) and troupe::troupe,
# which is all of them.
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/troupe")
get_property(folders GLOBAL PROPERTY TROUPE_FOLDERS)

add_library(troupe_all INTERFACE)
add_library(troupe::troupe ALIAS troupe_all)
set_target_properties(troupe_all PROPERTIES EXPORT_NAME troupe)
foreach(folder IN LISTS folders)
  target_link_libraries(troupe_all INTERFACE troupe::${folder})
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/troupe"
    FILES_MATCHING PATTERN "*.hpp")
  install(TARGETS troupe_${folder} EXPORT troupe_targets)
endforeach()
install(TARGETS troupe_all EXPORT troupe_targets)
install(EXPORT troupe_targets FILE troupeTargets.cmake
  NAMESPACE troupe:: DESTINATION "${package_dir}")

configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/troupeConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/troupeConfig.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/troupeConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/troupeConfig.cmake"
  "${PROJECT_BINARY_DIR}/troupeConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/troupe_dependencies.cmake"
  DESTINATION "${package_dir}")

if(TARGET troupe)
  set_target_properties(troupe PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
  install(TARGETS troupe RUNTIME)
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}"
  FILES_MATCHING PATTERN "*.cpp" PATTERN "*.toml")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}")
