# Standalone Asio ships no CMake package. Finds it and gives the target that vcpkg and Conan give: asio::asio.
#
# Sets asio_FOUND and asio_VERSION. A hint: asio_ROOT or CMAKE_PREFIX_PATH.

find_package(asio CONFIG QUIET)
if(TARGET asio::asio)
    set(asio_FOUND TRUE)
    return()
endif()

find_path(asio_INCLUDE_DIR asio.hpp PATH_SUFFIXES asio/include)
mark_as_advanced(asio_INCLUDE_DIR)

unset(asio_VERSION)
if(asio_INCLUDE_DIR AND EXISTS "${asio_INCLUDE_DIR}/asio/version.hpp")
    # ASIO_VERSION is major * 100000 + minor * 100 + patch.
    file(STRINGS "${asio_INCLUDE_DIR}/asio/version.hpp" asio_version_line REGEX "#define ASIO_VERSION [0-9]+")
    string(REGEX MATCH "[0-9]+" asio_version_number "${asio_version_line}")
    if(asio_version_number)
        math(EXPR asio_version_major "${asio_version_number} / 100000")
        math(EXPR asio_version_minor "${asio_version_number} / 100 % 1000")
        math(EXPR asio_version_patch "${asio_version_number} % 100")
        set(asio_VERSION "${asio_version_major}.${asio_version_minor}.${asio_version_patch}")
    endif()
    unset(asio_version_line)
    unset(asio_version_number)
    unset(asio_version_major)
    unset(asio_version_minor)
    unset(asio_version_patch)
endif()

find_package(Threads QUIET)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(asio REQUIRED_VARS asio_INCLUDE_DIR Threads_FOUND VERSION_VAR asio_VERSION)

if(asio_FOUND)
    add_library(asio::asio INTERFACE IMPORTED)
    set_target_properties(asio::asio PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${asio_INCLUDE_DIR}"
        INTERFACE_COMPILE_DEFINITIONS ASIO_STANDALONE
        INTERFACE_LINK_LIBRARIES Threads::Threads)
    if(asio_VERSION VERSION_LESS 1.24)
        # These versions look for the coroutines of Clang in <experimental/coroutine> unless told better.
        set_property(TARGET asio::asio APPEND PROPERTY INTERFACE_COMPILE_DEFINITIONS
            "$<$<CXX_COMPILER_ID:Clang,AppleClang>:ASIO_HAS_CO_AWAIT=1>"
            "$<$<CXX_COMPILER_ID:Clang,AppleClang>:ASIO_HAS_STD_COROUTINE=1>")
    endif()
endif()
