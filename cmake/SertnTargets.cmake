# Targets by convention: one static library a folder, named after its path (backend/curve ->
# sertn_backend_curve), its sources globbed, its links taken from tests/layers.txt.

set_property(DIRECTORY "${CMAKE_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  "${CMAKE_SOURCE_DIR}/tests/layers.txt")

# Sets `out` to the target name of a folder given from the root.
function(sertn_target_name out folder)
  string(REPLACE "/" "_" name "sertn_${folder}")
  set(${out} "${name}" PARENT_SCOPE)
endfunction()

# Sets `out` to the targets a folder stands on directly, by tests/layers.txt.
function(sertn_layer_targets out folder)
  file(STRINGS "${CMAKE_SOURCE_DIR}/tests/layers.txt" lines REGEX "^[^#].*:")
  set(targets "")
  set(found FALSE)
  foreach(line IN LISTS lines)
    string(REGEX MATCH "^([^: ]+) *:(.*)$" unused "${line}")
    if(CMAKE_MATCH_1 STREQUAL folder)
      set(found TRUE)
      separate_arguments(below UNIX_COMMAND "${CMAKE_MATCH_2}")
      foreach(other IN LISTS below)
        sertn_target_name(name "${other}")
        list(APPEND targets "${name}")
      endforeach()
    endif()
  endforeach()
  if(NOT found)
    message(FATAL_ERROR "${folder} has no line in tests/layers.txt")
  endif()
  set(${out} "${targets}" PARENT_SCOPE)
endfunction()

# Warnings, include root and instruction sets of one target's own sources.
function(sertn_common target)
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/generated")
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:C>:${SERTN_WARNINGS}>")
endfunction()

# sertn_library([GENERATED files...] [EXCLUDE names...] [LIBS third-party targets...])
# The library of the current folder. GENERATED sources are compiled without our warnings. A folder
# without sources gives an INTERFACE library, so that whoever links it need not care.
function(sertn_library)
  cmake_parse_arguments(ARG "" "" "GENERATED;EXCLUDE;LIBS" ${ARGN})
  file(RELATIVE_PATH folder "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  sertn_target_name(target "${folder}")
  sertn_layer_targets(below "${folder}")
  file(GLOB sources CONFIGURE_DEPENDS *.c *.S)
  foreach(name IN LISTS ARG_EXCLUDE)
    list(REMOVE_ITEM sources "${CMAKE_CURRENT_SOURCE_DIR}/${name}")
  endforeach()
  if(SERTN_HAVE_CUDA)
    file(GLOB cuda_sources CONFIGURE_DEPENDS *.cu)
    list(APPEND sources ${cuda_sources})
  endif()
  if(sources OR ARG_GENERATED)
    sertn_set_isa(${sources})
    add_library(${target} STATIC ${sources} ${ARG_GENERATED})
    sertn_common(${target})
    foreach(file IN LISTS ARG_GENERATED)
      set_source_files_properties("${file}" PROPERTIES COMPILE_OPTIONS "-w")
    endforeach()
    target_link_libraries(${target} PUBLIC ${below} PRIVATE ${ARG_LIBS})
    set_property(GLOBAL APPEND PROPERTY SERTN_LIBRARIES ${target})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE ${below} ${ARG_LIBS})
  endif()
endfunction()

# sertn_embed(out_sources symbol file): makes a C file that holds `file` as
#   const unsigned char symbol[]; const size_t symbol_bytes;
# (declared by the user of it), a zero byte after the end, which the count leaves out.
function(sertn_embed out symbol file)
  set(output "${CMAKE_BINARY_DIR}/generated/embedded/${symbol}.c")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" -DSYMBOL=${symbol} "-DINPUT=${file}" "-DOUTPUT=${output}"
            -P "${CMAKE_SOURCE_DIR}/cmake/embed.cmake"
    DEPENDS "${file}" "${CMAKE_SOURCE_DIR}/cmake/embed.cmake" VERBATIM)
  set(${out} ${${out}} "${output}" PARENT_SCOPE)
endfunction()

# sertn_program(name source): one program in build/bin, when its source exists.
function(sertn_program name source)
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
    return()
  endif()
  add_executable(${name} "${source}")
  sertn_common(${name})
  target_link_libraries(${name} PRIVATE ${ARGN})
  set_target_properties(${name} PROPERTIES SERTN_PROGRAM ON
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
  set_property(GLOBAL APPEND PROPERTY SERTN_PROGRAMS ${name})
endfunction()
