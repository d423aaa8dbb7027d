# Compiler settings: C17, warnings are errors, three kinds of build, instruction sets by file name.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Only the functions of runtime/sertn.h leave the shared library.
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Checked (ASan + UBSan) or Tsan" FORCE)
endif()
set_property(CACHE CMAKE_BUILD_TYPE PROPERTY STRINGS Release Checked Tsan)
if(NOT CMAKE_BUILD_TYPE MATCHES "^(Release|Checked|Tsan)$")
  message(FATAL_ERROR "CMAKE_BUILD_TYPE is ${CMAKE_BUILD_TYPE}; it must be Release, Checked or Tsan")
endif()

set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_CHECKED "-O1 -g -fno-omit-frame-pointer -DSERTN_CHECKED \
-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all")
# With instructions for threads gcc 12 gives variables of inlined calls one place while both are needed: sums of points on the
# portable path come out wrong. Neither the other builds nor the address sanitizer, which looks for that, have it.
set(CMAKE_C_FLAGS_TSAN "-O1 -g -fno-omit-frame-pointer -DSERTN_CHECKED -fsanitize=thread -fstack-reuse=none")

option(SERTN_WERROR "Warnings are errors" ON)

add_compile_definitions(_GNU_SOURCE SERTN_VERSION="${PROJECT_VERSION}")
# Calibration must give the same bits everywhere, so no compiler may fuse a multiply and an add.
add_compile_options(-ffp-contract=off)
add_link_options(-Wl,--as-needed)

# One binary for every x86-64: faster paths live in files of their own, chosen at run time.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(SERTN_X86_64 TRUE)
  add_compile_options(-march=x86-64)
endif()

set(SERTN_WARNINGS -Wall -Wextra -Wshadow -Wundef -Wconversion -Wno-sign-conversion
    -Wstrict-prototypes -Wmissing-prototypes -Wvla)
if(SERTN_WERROR)
  list(APPEND SERTN_WARNINGS -Werror)
endif()

# What the sanitizers insert makes gcc see uninitialised values that are not there; the release build,
# with the warning on, judges the same sources.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  list(APPEND SERTN_WARNINGS -Wno-maybe-uninitialized)
endif()

# Sets the instruction sets of the sources whose names say them; on other CPUs those files compile to
# nothing but their "not available" answer, by their own #if on the compiler's macros.
function(sertn_set_isa)
  if(NOT SERTN_X86_64)
    return()
  endif()
  foreach(source IN LISTS ARGN)
    if(source MATCHES "_adx\\.(c|S)$")
      set(flags -mbmi2 -madx)
    elseif(source MATCHES "_avx2\\.(c|S)$")
      set(flags -mavx2 -mfma -mbmi2)
    elseif(source MATCHES "_ifma\\.(c|S)$")
      set(flags -mavx512f -mavx512vl -mavx512dq -mavx512bw -mavx512ifma -mavx512vbmi2 -mbmi2 -madx)
    else()
      continue()
    endif()
    set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS "${flags}")
  endforeach()
endfunction()
