# The target check_headers compiles every header of a folder alone, twice over
# (so that it also proves itself idempotent), with what that folder links. Only
# the compiler's front end sees them: no code is made.
add_custom_target(check_headers COMMENT "Every header compiles alone")

# troupe_check_headers(<name> <libraries> <headers>)
function(troupe_check_headers name libraries headers)
  set(sources)
  foreach(header IN LISTS headers)
    set(source "${CMAKE_CURRENT_BINARY_DIR}/headers/${header}.cpp")
    file(CONFIGURE OUTPUT "${source}"
      CONTENT "#include \"${header}\"\n#include \"${header}\"\n")
    list(APPEND sources "${source}")
  endforeach()
  if(sources)
    add_library(check_headers_${name} OBJECT EXCLUDE_FROM_ALL ${sources})
    target_link_libraries(check_headers_${name}
      PRIVATE ${libraries} troupe_options)
    target_compile_options(check_headers_${name} PRIVATE -fsyntax-only)
    add_dependencies(check_headers check_headers_${name})
  endif()
endfunction()

get_property(folders GLOBAL PROPERTY TROUPE_FOLDERS)
foreach(folder IN LISTS folders)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS
    RELATIVE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/${folder}/*.hpp")
  # CUDA's own headers are the emulation's: most machines have no others.
  set(cuda "${headers}")
  list(FILTER headers EXCLUDE REGEX "^gpu/cuda/")
  list(FILTER cuda INCLUDE REGEX "^gpu/cuda/")
  troupe_check_headers(${folder} troupe::${folder} "${headers}")
  troupe_check_headers(${folder}_cuda troupe_cuda_emulation "${cuda}")
endforeach()
