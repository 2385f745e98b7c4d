# The installed package: headers, static libraries, programs, socketioConfig.cmake.
include(CMakePackageConfigHelpers)

# socketio::socketio is what a program links: everything but the optional client managers.
add_library(socketio_socketio INTERFACE)
add_library(socketio::socketio ALIAS socketio_socketio)
set_target_properties(socketio_socketio PROPERTIES EXPORT_NAME socketio)
target_link_libraries(socketio_socketio INTERFACE socketio::http socketio::middleware)
# <socketio/socketio.h>, which includes what a program needs of all of them.
target_sources(socketio_socketio INTERFACE FILE_SET HEADERS
    BASE_DIRS ${CMAKE_SOURCE_DIR}/server/http/include
    FILES ${CMAKE_SOURCE_DIR}/server/http/include/socketio/socketio.h)

get_property(socketio_libraries GLOBAL PROPERTY SOCKETIO_LIBRARIES)
install(TARGETS socketio_socketio EXPORT socketioTargets
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
foreach(library IN LISTS socketio_libraries)
    install(TARGETS ${library} EXPORT socketioTargets
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
            FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endforeach()
install(TARGETS poco-socketio RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(EXPORT socketioTargets NAMESPACE socketio::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/socketio)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/socketioConfig.cmake.in
    ${CMAKE_BINARY_DIR}/socketioConfig.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/socketio)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/socketioConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/socketioConfig.cmake ${CMAKE_BINARY_DIR}/socketioConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/socketio)
