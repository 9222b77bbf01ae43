# c-ares ships a CMake package of its own, but Debian packs only its pkg-config file. Finds it either way and gives the
# target that its package gives: c-ares::cares.
#
# Sets c-ares_FOUND and c-ares_VERSION. A hint: c-ares_ROOT or CMAKE_PREFIX_PATH.

find_package(c-ares CONFIG QUIET)
if(TARGET c-ares::cares)
    set(c-ares_FOUND TRUE)
    return()
endif()

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(cares_PC QUIET libcares)
endif()

find_path(cares_INCLUDE_DIR ares.h HINTS ${cares_PC_INCLUDE_DIRS})
find_library(cares_LIBRARY NAMES cares HINTS ${cares_PC_LIBRARY_DIRS})
mark_as_advanced(cares_INCLUDE_DIR cares_LIBRARY)

unset(c-ares_VERSION)
if(cares_INCLUDE_DIR AND EXISTS "${cares_INCLUDE_DIR}/ares_version.h")
    file(STRINGS "${cares_INCLUDE_DIR}/ares_version.h" cares_version_line REGEX "define ARES_VERSION_STR \"")
    string(REGEX MATCH "[0-9]+(\\.[0-9]+)+" c-ares_VERSION "${cares_version_line}")
    unset(cares_version_line)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(c-ares REQUIRED_VARS cares_LIBRARY cares_INCLUDE_DIR VERSION_VAR c-ares_VERSION)

if(c-ares_FOUND AND NOT TARGET c-ares::cares)
    add_library(c-ares::cares UNKNOWN IMPORTED)
    set_target_properties(c-ares::cares PROPERTIES
        IMPORTED_LOCATION "${cares_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${cares_INCLUDE_DIR}")
endif()
