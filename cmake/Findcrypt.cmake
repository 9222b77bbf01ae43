# libcrypt (libxcrypt, or what the system has) ships no CMake package. Finds it and gives the target crypt::crypt.
#
# Sets crypt_FOUND. A hint: crypt_ROOT or CMAKE_PREFIX_PATH.

find_path(crypt_INCLUDE_DIR crypt.h)
find_library(crypt_LIBRARY NAMES crypt)
mark_as_advanced(crypt_INCLUDE_DIR crypt_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(crypt REQUIRED_VARS crypt_LIBRARY crypt_INCLUDE_DIR)

if(crypt_FOUND AND NOT TARGET crypt::crypt)
    add_library(crypt::crypt UNKNOWN IMPORTED)
    set_target_properties(crypt::crypt PROPERTIES
        IMPORTED_LOCATION "${crypt_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${crypt_INCLUDE_DIR}")
endif()
