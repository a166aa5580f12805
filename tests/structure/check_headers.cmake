# The target check_headers compiles every header of a folder alone, twice over
# (so that it also proves itself idempotent), with what that folder links.
add_custom_target(check_headers COMMENT "Every header compiles alone")
get_property(folders GLOBAL PROPERTY TROUPE_FOLDERS)
foreach(folder IN LISTS folders)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS
    RELATIVE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/${folder}/*.hpp")
  set(sources)
  foreach(header IN LISTS headers)
    set(source "${CMAKE_CURRENT_BINARY_DIR}/headers/${header}.cpp")
    file(CONFIGURE OUTPUT "${source}"
      CONTENT "#include \"${header}\"\n#include \"${header}\"\n")
    list(APPEND sources "${source}")
  endforeach()
  if(sources)
    add_library(check_headers_${folder} OBJECT EXCLUDE_FROM_ALL ${sources})
    target_link_libraries(check_headers_${folder}
      PRIVATE troupe::${folder} troupe_options)
    add_dependencies(check_headers check_headers_${folder})
  endif()
endforeach()
