# libsertn, static and shared, and what `cmake --install` puts down: the programs, the library, its one
# public header and a pkg-config file.

get_property(sertn_libraries GLOBAL PROPERTY SERTN_LIBRARIES)
get_property(sertn_programs GLOBAL PROPERTY SERTN_PROGRAMS)

if(EXISTS "${CMAKE_SOURCE_DIR}/runtime/sertn.h")
  list(REMOVE_ITEM sertn_libraries sertn_runtime_tools)
  set(objects "")
  foreach(library IN LISTS sertn_libraries)
    list(APPEND objects "$<TARGET_OBJECTS:${library}>")
  endforeach()

  add_library(sertn_shared SHARED ${objects})
  target_link_libraries(sertn_shared PRIVATE sertn_runtime)
  set_target_properties(sertn_shared PROPERTIES OUTPUT_NAME sertn VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE C)

  add_library(sertn_static STATIC ${objects})
  set_target_properties(sertn_static PROPERTIES OUTPUT_NAME sertn LINKER_LANGUAGE C)

  configure_file("${CMAKE_SOURCE_DIR}/cmake/sertn.pc.in" "${CMAKE_BINARY_DIR}/sertn.pc" @ONLY)
  install(TARGETS sertn_shared sertn_static)
  install(FILES "${CMAKE_SOURCE_DIR}/runtime/sertn.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(FILES "${CMAKE_BINARY_DIR}/sertn.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endif()

if(sertn_programs)
  install(TARGETS ${sertn_programs})
endif()
install(FILES "${CMAKE_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(FILES "${CMAKE_SOURCE_DIR}/contracts/OPERATIONS.md" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
configure_file("${CMAKE_SOURCE_DIR}/cmake/systemd/sertn-node.service.in" "${CMAKE_BINARY_DIR}/sertn-node.service" @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/sertn-node.service" DESTINATION "${CMAKE_INSTALL_DATADIR}/sertn")
