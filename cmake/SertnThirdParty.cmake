# The libraries of others. Each becomes one INTERFACE target sertn_3rd_<name>.
#
# A proof of a small model takes some 15 ms, and loading all of these would take 7 ms of it. So the programs
# take the static archive where the system has one, and load the libraries that only some commands need
# (marked LAZY) at the first call, by stubs made from what our archives call: sources just include the
# header and call. libsertn.so and the tests link the shared libraries in the ordinary way; the archives of
# a distribution need not be position independent.

find_package(Threads REQUIRED)

# Stubs are written for the System V AMD64 calling convention; elsewhere LAZY is linked like the others.
set(SERTN_HAVE_LAZY ${SERTN_X86_64})

# sertn_third_party(name HEADER header LIBRARY library PACKAGE package [LAZY] [DEPENDS targets...])
function(sertn_third_party name)
  cmake_parse_arguments(ARG "LAZY" "HEADER;LIBRARY;PACKAGE" "DEPENDS" ${ARGN})
  find_path(SERTN_${name}_INCLUDE "${ARG_HEADER}")
  find_library(SERTN_${name}_SHARED NAMES ${ARG_LIBRARY})
  find_library(SERTN_${name}_STATIC NAMES lib${ARG_LIBRARY}.a)
  mark_as_advanced(SERTN_${name}_INCLUDE SERTN_${name}_SHARED SERTN_${name}_STATIC)
  if(NOT SERTN_${name}_INCLUDE OR NOT SERTN_${name}_SHARED)
    message(FATAL_ERROR "${ARG_HEADER} or lib${ARG_LIBRARY}.so not found: install ${ARG_PACKAGE}")
  endif()
  add_library(sertn_3rd_${name} INTERFACE)
  target_include_directories(sertn_3rd_${name} SYSTEM INTERFACE "${SERTN_${name}_INCLUDE}")
  # The target at the end of the chain decides: a program has the property SERTN_PROGRAM.
  set(in_program "$<BOOL:$<TARGET_PROPERTY:SERTN_PROGRAM>>")
  if(ARG_LAZY AND SERTN_HAVE_LAZY)
    set_property(GLOBAL APPEND PROPERTY SERTN_LAZY_LIBRARIES ${name})
    target_link_libraries(sertn_3rd_${name} INTERFACE
      "$<IF:${in_program},sertn_lazy_${name},${SERTN_${name}_SHARED}>")
  elseif(SERTN_${name}_STATIC)
    target_link_libraries(sertn_3rd_${name} INTERFACE
      "$<IF:${in_program},${SERTN_${name}_STATIC},${SERTN_${name}_SHARED}>")
  else()
    target_link_libraries(sertn_3rd_${name} INTERFACE "${SERTN_${name}_SHARED}")
  endif()
  target_link_libraries(sertn_3rd_${name} INTERFACE ${ARG_DEPENDS})
endfunction()

# Makes the stub libraries; called when every library of ours is known, since their calls decide.
function(sertn_add_lazy_libraries)
  get_property(names GLOBAL PROPERTY SERTN_LAZY_LIBRARIES)
  get_property(own GLOBAL PROPERTY SERTN_LIBRARIES)
  set(archives ${own})
  list(TRANSFORM archives REPLACE "(.+)" "$<TARGET_FILE:\\1>")
  set(script "${CMAKE_SOURCE_DIR}/cmake/lazy_stubs.sh")
  add_library(sertn_lazy_load STATIC "${CMAKE_SOURCE_DIR}/cmake/lazy_load.c")
  target_compile_options(sertn_lazy_load PRIVATE ${SERTN_WARNINGS})
  target_link_libraries(sertn_lazy_load PUBLIC ${CMAKE_DL_LIBS})
  file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/generated/lazy")
  foreach(name IN LISTS names)
    set(stubs "${CMAKE_BINARY_DIR}/generated/lazy/${name}.S")
    add_custom_command(OUTPUT "${stubs}"
      COMMAND sh "${script}" "${CMAKE_NM}" "${CMAKE_READELF}" "${stubs}" "${SERTN_${name}_SHARED}" ${archives}
      DEPENDS "${script}" ${own} VERBATIM)
    add_library(sertn_lazy_${name} STATIC "${stubs}")
    target_link_libraries(sertn_lazy_${name} PUBLIC sertn_lazy_load)
  endforeach()
endfunction()

sertn_third_party(gmp HEADER gmp.h LIBRARY gmp PACKAGE libgmp-dev)
sertn_third_party(mpfr HEADER mpfr.h LIBRARY mpfr PACKAGE libmpfr-dev DEPENDS sertn_3rd_gmp)
sertn_third_party(flint HEADER flint/fmpz.h LIBRARY flint PACKAGE libflint-dev LAZY
  DEPENDS sertn_3rd_mpfr sertn_3rd_gmp m Threads::Threads)
sertn_third_party(arb HEADER arb.h LIBRARY flint-arb PACKAGE libflint-arb-dev LAZY
  DEPENDS sertn_3rd_flint)
sertn_third_party(protobuf_c HEADER protobuf-c/protobuf-c.h LIBRARY protobuf-c PACKAGE libprotobuf-c-dev)
sertn_third_party(cjson HEADER cjson/cJSON.h LIBRARY cjson PACKAGE libcjson-dev DEPENDS m)
sertn_third_party(sqlite3 HEADER sqlite3.h LIBRARY sqlite3 PACKAGE libsqlite3-dev
  DEPENDS m Threads::Threads ${CMAKE_DL_LIBS})
sertn_third_party(nettle HEADER nettle/sha3.h LIBRARY nettle PACKAGE nettle-dev)
sertn_third_party(secp256k1 HEADER secp256k1.h LIBRARY secp256k1 PACKAGE libsecp256k1-dev)
sertn_third_party(openssl HEADER openssl/evp.h LIBRARY crypto PACKAGE libssl-dev LAZY)
sertn_third_party(microhttpd HEADER microhttpd.h LIBRARY microhttpd PACKAGE libmicrohttpd-dev LAZY)
sertn_third_party(seccomp HEADER seccomp.h LIBRARY seccomp PACKAGE libseccomp-dev LAZY)
sertn_third_party(sodium HEADER sodium.h LIBRARY sodium PACKAGE libsodium-dev LAZY)
sertn_third_party(curl HEADER curl/curl.h LIBRARY curl PACKAGE libcurl4-openssl-dev LAZY)

find_program(SERTN_PROTOC_C NAMES protoc-c REQUIRED)
mark_as_advanced(SERTN_PROTOC_C)

# LLVM is an extra too: its headers are needed to build the code that loads it (backend/witness/jit_llvm.h), the
# library only where native code is made. SERTN_LLVM=OFF, or no headers, leaves relations to the interpreter.
option(SERTN_LLVM "Compile relations to native code through LLVM, where it pays" ON)
find_path(SERTN_LLVM_INCLUDE llvm-c/Transforms/PassBuilder.h PATHS /usr/lib/llvm-14/include)
mark_as_advanced(SERTN_LLVM_INCLUDE)
add_library(sertn_3rd_llvm INTERFACE)
if(SERTN_LLVM AND SERTN_LLVM_INCLUDE)
  target_include_directories(sertn_3rd_llvm SYSTEM INTERFACE "${SERTN_LLVM_INCLUDE}")
  target_compile_definitions(sertn_3rd_llvm INTERFACE SERTN_HAVE_LLVM)
  target_link_libraries(sertn_3rd_llvm INTERFACE ${CMAKE_DL_LIBS} Threads::Threads)
elseif(SERTN_LLVM)
  message(STATUS "Native code by LLVM: off, no headers here (install llvm-14-dev)")
endif()

# CUDA is an extra: found, it is used; missing, everything else builds and passes without it.
file(GLOB_RECURSE SERTN_CUDA_SOURCES CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/backend/device/*.cu")
option(SERTN_CUDA "Build the CUDA kernels" ON)
if(SERTN_CUDA AND SERTN_CUDA_SOURCES)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_ARCHITECTURES 80 90 CACHE STRING "GPU architectures")
    set(CMAKE_CUDA_STANDARD 17)
    enable_language(CUDA)
    set(SERTN_HAVE_CUDA TRUE)
  else()
    message(STATUS "CUDA kernels: off, no CUDA compiler here")
  endif()
endif()
