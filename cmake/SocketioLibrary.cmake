# How every library and program of the project is built.
include_guard(GLOBAL)
include(GNUInstallDirs)

option(SOCKETIO_WARNINGS_AS_ERRORS "Treat warnings as errors" OFF)
option(SOCKETIO_HARDENING "Build for a hostile network: checks of buffers and stack, PIE, full RELRO" OFF)
set(SOCKETIO_SANITIZE "" CACHE STRING "Sanitizers to build with, for example address,undefined")

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)  # so that the line above makes programs PIE, not their objects alone
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# What of a fault in our own code would be made use of ends the process instead. None of it changes
# an ABI: a program that links our libraries may be built without. tests/app/hardening.sh looks
# whether it has come through.
function(socketio_harden target)
    target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
    # Without optimisation there is nothing to fortify, and the compiler says so.
    target_compile_options(${target} PRIVATE -fstack-protector-strong -fstack-clash-protection
        "$<$<NOT:$<CONFIG:Debug>>:SHELL:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>")
    target_link_options(${target} PRIVATE LINKER:-z,relro LINKER:-z,now)
endfunction()

# Options that belong to our own targets and never to a program that links us.
function(socketio_options target)
    target_compile_features(${target} PUBLIC cxx_std_20)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wpedantic)
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        # g++ 12 sees an overlap in "literal" + std::string that is not there (its bug 105651).
        target_compile_options(${target} PRIVATE -Wno-restrict)
    endif()
    if(SOCKETIO_WARNINGS_AS_ERRORS)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
        target_compile_options(${target} PRIVATE -Wthread-safety)
    endif()
    if(SOCKETIO_HARDENING)
        socketio_harden(${target})
    endif()
    if(SOCKETIO_SANITIZE)
        target_compile_options(${target} PUBLIC -fsanitize=${SOCKETIO_SANITIZE}
                               -fno-omit-frame-pointer -fno-sanitize-recover=all)
        target_link_options(${target} PUBLIC -fsanitize=${SOCKETIO_SANITIZE})
        if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
            # With its own instrumentation g++ takes the parts of a std::variant for uninitialized.
            target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
        endif()
    endif()
endfunction()

# socketio_library(<module>): the static library socketio_<module> with the alias
# socketio::<module>, its public headers under include/socketio/<module>/.
function(socketio_library module)
    set(target socketio_${module})
    add_library(${target} STATIC)
    add_library(socketio::${module} ALIAS ${target})
    socketio_options(${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${module})
    target_include_directories(${target} PUBLIC
        $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    set_property(GLOBAL APPEND PROPERTY SOCKETIO_LIBRARIES ${target})
endfunction()

# socketio_program(<name> <sources>...): a program of the project, in build/<preset>/bin.
function(socketio_program name)
    add_executable(${name} ${ARGN})
    socketio_options(${name})
endfunction()
