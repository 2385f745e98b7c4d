# The installed package: headers, static libraries, programs, socketioConfig.cmake.
include(CMakePackageConfigHelpers)

# socketio::socketio is what a program links: everything but the optional client managers.
add_library(socketio_socketio INTERFACE)
add_library(socketio::socketio ALIAS socketio_socketio)
set_target_properties(socketio_socketio PROPERTIES EXPORT_NAME socketio)
target_link_libraries(socketio_socketio INTERFACE socketio::http socketio::fcgi socketio::middleware)
# <socketio/socketio.h>, which includes what a program needs of all of them.
target_sources(socketio_socketio INTERFACE FILE_SET HEADERS
    BASE_DIRS ${PROJECT_SOURCE_DIR}/server/http/include
    FILES ${PROJECT_SOURCE_DIR}/server/http/include/socketio/socketio.h)

get_property(socketio_libraries GLOBAL PROPERTY SOCKETIO_LIBRARIES)
install(TARGETS socketio_socketio EXPORT socketioTargets
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
foreach(library IN LISTS socketio_libraries)
    # What links rabbitmq-c is for those who ask for it: the others need not have it installed.
    set(set socketioTargets)
    if(SOCKETIO_WITH_AMQP AND library MATCHES "^socketio_(amqp_manager|manager_urls)$")
        set(set socketioAmqpTargets)
    endif()
    install(TARGETS ${library} EXPORT ${set}
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
            FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endforeach()
install(TARGETS poco-socketio poco-socketio-cgi RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# What an administrator needs: the page, examples for web servers, the unit with the paths of this
# installation, and the configuration, unless there is one already.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/www DESTINATION ${CMAKE_INSTALL_DATADIR}/poco-socketio)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/conf DESTINATION ${CMAKE_INSTALL_DATADIR}/poco-socketio
        PATTERN dev.properties EXCLUDE)
install(CODE "set(conf \"${PROJECT_SOURCE_DIR}/conf\")
set(bin \"${CMAKE_INSTALL_BINDIR}\")
set(lib \"lib/systemd/system\")")
install(CODE [[
    if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
        set(etc /etc/poco-socketio)
    else()
        set(etc "${CMAKE_INSTALL_PREFIX}/etc/poco-socketio")
    endif()
    if(NOT EXISTS "$ENV{DESTDIR}${etc}/poco-socketio.properties")
        file(INSTALL "${conf}/poco-socketio.properties" DESTINATION "$ENV{DESTDIR}${etc}")
    endif()
    file(READ "${conf}/poco-socketio.service" unit)
    string(REPLACE "/usr/bin/poco-socketio" "${CMAKE_INSTALL_PREFIX}/${bin}/poco-socketio"
           unit "${unit}")
    string(REPLACE "/etc/poco-socketio" "${etc}" unit "${unit}")
    file(WRITE "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/${lib}/poco-socketio.service" "${unit}")
]])
install(EXPORT socketioTargets NAMESPACE socketio::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/socketio)
if(SOCKETIO_WITH_AMQP)
    install(EXPORT socketioAmqpTargets NAMESPACE socketio::
            DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/socketio)
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/socketioConfig.cmake.in
    ${PROJECT_BINARY_DIR}/socketioConfig.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/socketio)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/socketioConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/socketioConfig.cmake ${PROJECT_BINARY_DIR}/socketioConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/socketio)
