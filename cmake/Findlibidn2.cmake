# libidn2 ships a pkg-config file only. Finds it and gives the target libidn2::libidn2.
#
# Sets libidn2_FOUND and libidn2_VERSION. A hint: libidn2_ROOT or CMAKE_PREFIX_PATH.

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(libidn2_PC QUIET libidn2)
endif()

find_path(libidn2_INCLUDE_DIR idn2.h HINTS ${libidn2_PC_INCLUDE_DIRS})
find_library(libidn2_LIBRARY NAMES idn2 HINTS ${libidn2_PC_LIBRARY_DIRS})
mark_as_advanced(libidn2_INCLUDE_DIR libidn2_LIBRARY)

unset(libidn2_VERSION)
if(libidn2_INCLUDE_DIR AND EXISTS "${libidn2_INCLUDE_DIR}/idn2.h")
    file(STRINGS "${libidn2_INCLUDE_DIR}/idn2.h" libidn2_version_line REGEX "# *define IDN2_VERSION \"")
    string(REGEX MATCH "[0-9]+(\\.[0-9]+)+" libidn2_VERSION "${libidn2_version_line}")
    unset(libidn2_version_line)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(libidn2 REQUIRED_VARS libidn2_LIBRARY libidn2_INCLUDE_DIR
                                  VERSION_VAR libidn2_VERSION)

if(libidn2_FOUND AND NOT TARGET libidn2::libidn2)
    add_library(libidn2::libidn2 UNKNOWN IMPORTED)
    set_target_properties(libidn2::libidn2 PROPERTIES
        IMPORTED_LOCATION "${libidn2_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${libidn2_INCLUDE_DIR}")
endif()
