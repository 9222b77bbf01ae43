# Install rules, the CMake package, the pkg-config files and the Debian package.
#
# Every component has an export set of its own and a file mailquay-<component>.cmake that finds its dependencies: a
# program that asks for "core" needs no more than core needs. No installed file names a folder of the build machine.
include_guard()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(MAILQUAY_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/mailquay")
set(generated "${CMAKE_CURRENT_BINARY_DIR}/package")
get_property(components GLOBAL PROPERTY MAILQUAY_BUILT)

# The folder of a .pc file up to the prefix: a multi-arch libdir is deeper than "lib".
file(RELATIVE_PATH pc_to_prefix "/x/${CMAKE_INSTALL_LIBDIR}/pkgconfig" /x)
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")

foreach(component IN LISTS components)
    get_property(dependencies GLOBAL PROPERTY MAILQUAY_${component}_DEPENDS)
    get_property(headers GLOBAL PROPERTY MAILQUAY_${component}_HEADERS)
    get_property(defines GLOBAL PROPERTY MAILQUAY_${component}_DEFINES)

    install(TARGETS mailquay_${component} mailquay_${component}_header_only EXPORT mailquay-${component}
            ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev
            LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT lib NAMELINK_COMPONENT dev
            RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT lib)
    install(EXPORT mailquay-${component} NAMESPACE mailquay:: FILE mailquay-${component}-targets.cmake
            DESTINATION "${MAILQUAY_CMAKE_DIR}" COMPONENT dev)

    foreach(header IN LISTS headers)
        if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/include/mailquay/${header}")
            install(DIRECTORY "include/mailquay/${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/mailquay"
                    COMPONENT dev FILES_MATCHING PATTERN "*.hpp" PATTERN "*.ipp")
        elseif(EXISTS "${PROJECT_SOURCE_DIR}/include/mailquay/${header}")
            cmake_path(GET header PARENT_PATH folder)
            install(FILES "include/mailquay/${header}" COMPONENT dev
                    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/mailquay/${folder}")
        endif()
    endforeach()

    # What the component needs, for CMake and for pkg-config.
    set(needs)
    set(pc_requires)
    set(pc_cflags)
    set(pc_libs)
    foreach(dependency IN LISTS dependencies)
        if(dependency MATCHES "::")
            mailquay_package_of(${dependency} package)
            list(JOIN package " " package)
            string(APPEND needs "mailquay_needs_package(${component} ${dependency} ${package})\n")
            if(DEFINED mailquay_pc_${dependency})
                list(APPEND pc_requires ${mailquay_pc_${dependency}})
            endif()
            list(APPEND pc_cflags ${mailquay_pc_cflags_${dependency}})
            list(APPEND pc_libs ${mailquay_pc_libs_${dependency}})
        else()
            string(APPEND needs "mailquay_needs_component(${component} ${dependency})\n")
            list(APPEND pc_requires "mailquay-${dependency} = ${PROJECT_VERSION}")
        endif()
    endforeach()
    foreach(define IN LISTS defines)
        list(APPEND pc_cflags "-D${define}")
    endforeach()
    list(JOIN pc_requires ", " pc_requires)
    list(JOIN pc_cflags " " pc_cflags)
    list(JOIN pc_libs " " pc_libs)

    configure_file(cmake/mailquay-component.cmake.in "${generated}/mailquay-${component}.cmake" @ONLY)
    configure_file(cmake/mailquay-component.pc.in "${generated}/${component}.pc.in" @ONLY)
    file(GENERATE OUTPUT "${generated}/mailquay-${component}.pc" INPUT "${generated}/${component}.pc.in")
    install(FILES "${generated}/mailquay-${component}.cmake" DESTINATION "${MAILQUAY_CMAKE_DIR}" COMPONENT dev)
    install(FILES "${generated}/mailquay-${component}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT dev)
endforeach()

configure_package_config_file(cmake/mailquay-config.cmake.in "${generated}/mailquay-config.cmake"
                              INSTALL_DESTINATION "${MAILQUAY_CMAKE_DIR}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${generated}/mailquay-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${generated}/mailquay-config.cmake" "${generated}/mailquay-config-version.cmake"
        DESTINATION "${MAILQUAY_CMAKE_DIR}" COMPONENT dev)
file(GLOB find_modules CONFIGURE_DEPENDS cmake/Find*.cmake)
install(FILES ${find_modules} DESTINATION "${MAILQUAY_CMAKE_DIR}/modules" COMPONENT dev)
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT dev)

# cpack -G DEB: libmailquay-dev; a shared build also gives libmailquay0.1.
if(NOT PROJECT_IS_TOP_LEVEL)
    return()
endif()
set(soversion "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mailquay)
set(CPACK_PACKAGE_CONTACT "mailquay developers <mailquay@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

set(CPACK_DEBIAN_LIB_PACKAGE_NAME "libmailquay${soversion}")
set(CPACK_DEBIAN_LIB_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIB_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_LIB_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libmailquay-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)

# Headers need headers; shlibdeps does not see those. Mind the epoch of Asio.
set(deb_of_asio "libasio-dev (>= 1:1.22.1)")
set(deb_of_fmt "libfmt-dev (>= 9.1)")
set(deb_of_libidn2 libidn2-dev)
set(deb_of_libpsl libpsl-dev)
set(deb_of_OpenSSL libssl-dev)
set(deb_of_c-ares libc-ares-dev)
set(deb_of_hiredis libhiredis-dev)
set(deb_of_SQLite libsqlite3-dev)
set(deb_of_ICU libicu-dev)
set(deb_of_crypt libcrypt-dev)
set(dev_depends)
foreach(component IN LISTS components)
    get_property(dependencies GLOBAL PROPERTY MAILQUAY_${component}_DEPENDS)
    foreach(dependency IN LISTS dependencies)
        string(REGEX REPLACE "::.*" "" package "${dependency}")
        if(DEFINED deb_of_${package})
            list(APPEND dev_depends "${deb_of_${package}}")
        endif()
    endforeach()
endforeach()
list(REMOVE_DUPLICATES dev_depends)
set(CPACK_COMPONENTS_ALL dev)
if(BUILD_SHARED_LIBS)
    list(PREPEND CPACK_COMPONENTS_ALL lib)
    list(APPEND dev_depends "libmailquay${soversion} (= ${PROJECT_VERSION})")
endif()
list(JOIN dev_depends ", " CPACK_DEBIAN_DEV_PACKAGE_DEPENDS)
include(CPack)
