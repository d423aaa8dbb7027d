# The libraries of others. Each becomes one INTERFACE target sertn_3rd_<name>.
#
# The programs take the static archive where the system has one: every shared library costs a program
# that lives 15 ms a part of a millisecond at its start. libsertn.so takes the shared ones, because
# the archives of a distribution need not be position independent.
#
# libcurl is given as headers alone: only some commands need it, and those load it with dlopen
# (runtime/chain), so that prove and verify start without it.

find_package(Threads REQUIRED)

option(SERTN_STATIC_THIRD_PARTY "Programs link third-party archives where there are any" ON)

# sertn_third_party(NAME HEADER header [LIBRARY name | HEADER_ONLY] PACKAGE package [DEPENDS targets...])
function(sertn_third_party name)
  cmake_parse_arguments(ARG "HEADER_ONLY" "HEADER;LIBRARY;PACKAGE" "DEPENDS" ${ARGN})
  find_path(SERTN_${name}_INCLUDE "${ARG_HEADER}")
  mark_as_advanced(SERTN_${name}_INCLUDE)
  if(NOT SERTN_${name}_INCLUDE)
    message(FATAL_ERROR "${ARG_HEADER} not found: install ${ARG_PACKAGE}")
  endif()
  add_library(sertn_3rd_${name} INTERFACE)
  target_include_directories(sertn_3rd_${name} SYSTEM INTERFACE "${SERTN_${name}_INCLUDE}")
  if(ARG_HEADER_ONLY)
    return()
  endif()
  find_library(SERTN_${name}_SHARED NAMES ${ARG_LIBRARY})
  find_library(SERTN_${name}_STATIC NAMES lib${ARG_LIBRARY}.a)
  mark_as_advanced(SERTN_${name}_SHARED SERTN_${name}_STATIC)
  if(NOT SERTN_${name}_SHARED)
    message(FATAL_ERROR "lib${ARG_LIBRARY} not found: install ${ARG_PACKAGE}")
  endif()
  if(SERTN_STATIC_THIRD_PARTY AND SERTN_${name}_STATIC)
    # The kind of the target at the end of the chain decides.
    target_link_libraries(sertn_3rd_${name} INTERFACE
      "$<IF:$<STREQUAL:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY>,${SERTN_${name}_SHARED},${SERTN_${name}_STATIC}>")
  else()
    target_link_libraries(sertn_3rd_${name} INTERFACE "${SERTN_${name}_SHARED}")
  endif()
  target_link_libraries(sertn_3rd_${name} INTERFACE ${ARG_DEPENDS})
endfunction()

sertn_third_party(gmp HEADER gmp.h LIBRARY gmp PACKAGE libgmp-dev)
sertn_third_party(mpfr HEADER mpfr.h LIBRARY mpfr PACKAGE libmpfr-dev DEPENDS sertn_3rd_gmp)
sertn_third_party(flint HEADER flint/fmpz.h LIBRARY flint PACKAGE libflint-dev
  DEPENDS sertn_3rd_mpfr sertn_3rd_gmp m Threads::Threads)
sertn_third_party(arb HEADER arb.h LIBRARY flint-arb PACKAGE libflint-arb-dev DEPENDS sertn_3rd_flint)
sertn_third_party(protobuf_c HEADER protobuf-c/protobuf-c.h LIBRARY protobuf-c PACKAGE libprotobuf-c-dev)
sertn_third_party(cjson HEADER cjson/cJSON.h LIBRARY cjson PACKAGE libcjson-dev DEPENDS m)
sertn_third_party(sqlite3 HEADER sqlite3.h LIBRARY sqlite3 PACKAGE libsqlite3-dev
  DEPENDS m Threads::Threads ${CMAKE_DL_LIBS})
sertn_third_party(nettle HEADER nettle/sha3.h LIBRARY nettle PACKAGE nettle-dev)
sertn_third_party(secp256k1 HEADER secp256k1.h LIBRARY secp256k1 PACKAGE libsecp256k1-dev)
sertn_third_party(curl HEADER curl/curl.h PACKAGE libcurl4-openssl-dev HEADER_ONLY)

# OpenSSL's archive pulls in most of libcrypto and its configuration; it stays shared, and commands
# that need no keystore never touch it (see runtime/CMakeLists.txt).
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
add_library(sertn_3rd_openssl INTERFACE)
target_link_libraries(sertn_3rd_openssl INTERFACE OpenSSL::Crypto)

find_program(SERTN_PROTOC_C NAMES protoc-c REQUIRED)
mark_as_advanced(SERTN_PROTOC_C)

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
