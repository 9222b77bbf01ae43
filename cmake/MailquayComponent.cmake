# mailquay_add_component(<name>
#     SOURCES <files>             # each only lists .ipp files
#     HEADERS <folders or files>  # below include/mailquay, installed with the component
#     DEPENDS <dependencies>      # seen in public headers
#     DEPENDS_INSIDE <dependencies>   # used by .ipp files only
#     DEFINES <definitions>)      # seen by users too
#
# makes mailquay::<name> (compiled) and mailquay::<name>-header-only, and notes what the installed package needs. A
# dependency is a component (core) or a target of a package (asio::asio), which is found by the name before "::".
# A component is left out, with a line in the summary, when MAILQUAY_COMPONENTS does not ask for it.
include_guard()

# Packages whose name or arguments differ from the name before "::".
set(mailquay_package_SQLite SQLite3)
set(mailquay_package_ICU ICU COMPONENTS uc)
# Names for pkg-config; a package without one (header-only Asio) gives flags instead.
set(mailquay_pc_fmt::fmt fmt)
set(mailquay_pc_libidn2::libidn2 libidn2)
set(mailquay_pc_libpsl::libpsl libpsl)
set(mailquay_pc_OpenSSL::SSL libssl)
set(mailquay_pc_OpenSSL::Crypto libcrypto)
set(mailquay_pc_c-ares::cares libcares)
set(mailquay_pc_hiredis::hiredis hiredis)
set(mailquay_pc_SQLite::SQLite3 sqlite3)
set(mailquay_pc_ICU::uc icu-uc)
set(mailquay_pc_cflags_asio::asio -DASIO_STANDALONE -pthread)
set(mailquay_pc_libs_asio::asio -pthread)
set(mailquay_pc_libs_crypt::crypt -lcrypt)

define_property(GLOBAL PROPERTY MAILQUAY_BUILT BRIEF_DOCS "Components that are built")
define_property(GLOBAL PROPERTY MAILQUAY_LEFT_OUT BRIEF_DOCS "Components that are not built, with the reason")

# The arguments of find_package for one target.
function(mailquay_package_of target result)
    string(REGEX REPLACE "::.*" "" package "${target}")
    if(DEFINED mailquay_package_${package})
        set(package ${mailquay_package_${package}})
    endif()
    set(${result} ${package} PARENT_SCOPE)
endfunction()

# Sets <missing> to what the component lacks; empty when all is there.
function(mailquay_find_dependencies missing)
    set(lacking)
    foreach(dependency IN LISTS ARGN)
        if(NOT dependency MATCHES "::")
            if(NOT TARGET mailquay_${dependency})
                list(APPEND lacking "component ${dependency}")
            endif()
        elseif(NOT TARGET ${dependency})
            mailquay_package_of(${dependency} package)
            find_package(${package} QUIET GLOBAL)
            if(NOT TARGET ${dependency})
                list(GET package 0 package_name)
                list(APPEND lacking "package ${package_name}")
            endif()
        endif()
    endforeach()
    set(${missing} ${lacking} PARENT_SCOPE)
endfunction()

function(mailquay_add_component name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;DEPENDS;DEPENDS_INSIDE;DEFINES")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "mailquay_add_component(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
    endif()

    set(all_depends ${arg_DEPENDS} ${arg_DEPENDS_INSIDE})
    set_property(GLOBAL APPEND PROPERTY MAILQUAY_KNOWN ${name})
    if(NOT MAILQUAY_COMPONENTS MATCHES "^(auto|all)$" AND NOT name IN_LIST MAILQUAY_COMPONENTS)
        set_property(GLOBAL APPEND PROPERTY MAILQUAY_LEFT_OUT "${name} (not in MAILQUAY_COMPONENTS)")
        return()
    endif()
    mailquay_find_dependencies(missing ${all_depends})
    if(missing)
        list(JOIN missing ", " missing)
        # Core is never left out quietly: nothing works without it.
        if(MAILQUAY_COMPONENTS STREQUAL "auto" AND NOT name STREQUAL "core")
            set_property(GLOBAL APPEND PROPERTY MAILQUAY_LEFT_OUT "${name} (not found: ${missing})")
            return()
        endif()
        set(cure "install what is missing, or name the components you want in MAILQUAY_COMPONENTS")
        if(missing MATCHES "libidn2")
            string(APPEND cure ", or set MAILQUAY_IDNA=OFF (SMTPUTF8 is then not offered)")
        endif()
        message(FATAL_ERROR "mailquay: component '${name}' cannot be built, not found: ${missing}; ${cure}")
    endif()

    set(compiled mailquay_${name})
    set(header_only mailquay_${name}_header_only)
    add_library(${compiled} ${arg_SOURCES})
    set_target_properties(${compiled} PROPERTIES DEFINE_SYMBOL "")  # static and shared are compiled alike
    add_library(${header_only} INTERFACE)
    add_library(mailquay::${name} ALIAS ${compiled})
    add_library(mailquay::${name}-header-only ALIAS ${header_only})

    mailquay_own_target(${compiled})
    # Assertions name files as users see them, not as they lie on the machine that builds.
    # Not in debug builds: there the absolute path would keep one checkout from using what another has in its compiler cache.
    target_compile_options(${compiled} PRIVATE
        "$<$<NOT:$<CONFIG:Debug>>:-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/include/=>")
    # Instrumented code that is not optimised at all is slow where all time is spent: in the library, not in its tests.
    if(MAILQUAY_SANITIZE)
        target_compile_options(${compiled} PRIVATE $<$<CONFIG:Debug>:-O1>)
    endif()
    # GCC: functions of the library are inlined into one another, as with Clang; nobody replaces one of them at run time.
    target_compile_options(${compiled} PRIVATE
        "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<NOT:$<CONFIG:Debug>>>:-fno-semantic-interposition>")
    set_target_properties(${compiled} PROPERTIES
        OUTPUT_NAME mailquay-${name}
        EXPORT_NAME ${name}
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON
        POSITION_INDEPENDENT_CODE ON
        INSTALL_RPATH "$<$<PLATFORM_ID:Linux>:$ORIGIN>"  # finds its sisters wherever they were installed
        VERSION ${PROJECT_VERSION}
        SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
    set_target_properties(${header_only} PROPERTIES EXPORT_NAME ${name}-header-only)

    target_compile_definitions(${compiled} PUBLIC ${arg_DEFINES})
    target_compile_definitions(${header_only} INTERFACE ${arg_DEFINES} MAILQUAY_HEADER_ONLY)
    # The two forms do not link together; let CMake say so when one target asks for both.
    set_target_properties(${compiled} PROPERTIES INTERFACE_MAILQUAY_FORM compiled)
    set_target_properties(${header_only} PROPERTIES INTERFACE_MAILQUAY_FORM header-only)
    foreach(target IN ITEMS ${compiled} ${header_only})
        set_property(TARGET ${target} APPEND PROPERTY COMPATIBLE_INTERFACE_STRING MAILQUAY_FORM)
    endforeach()
    foreach(form IN ITEMS compiled header_only)
        if(form STREQUAL "compiled")
            set(scope PUBLIC)
            set(inside PRIVATE)
            set(suffix "")
        else()
            set(scope INTERFACE)
            set(inside INTERFACE)
            set(suffix "-header-only")
        endif()
        target_compile_features(${${form}} ${scope} cxx_std_20)
        target_include_directories(${${form}} ${scope}
            "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
        foreach(dependency IN LISTS arg_DEPENDS)
            string(REGEX REPLACE "^([^:]+)$" "mailquay::\\1${suffix}" dependency "${dependency}")
            target_link_libraries(${${form}} ${scope} ${dependency})
        endforeach()
        foreach(dependency IN LISTS arg_DEPENDS_INSIDE)
            string(REGEX REPLACE "^([^:]+)$" "mailquay::\\1${suffix}" dependency "${dependency}")
            target_link_libraries(${${form}} ${inside} ${dependency})
        endforeach()
    endforeach()

    set_property(GLOBAL APPEND PROPERTY MAILQUAY_BUILT ${name})
    set_property(GLOBAL PROPERTY MAILQUAY_${name}_DEPENDS ${all_depends})
    set_property(GLOBAL PROPERTY MAILQUAY_${name}_HEADERS ${arg_HEADERS})
    set_property(GLOBAL PROPERTY MAILQUAY_${name}_DEFINES ${arg_DEFINES})
endfunction()

# Checks the names asked for and prints what is built.
function(mailquay_finish_components)
    get_property(known GLOBAL PROPERTY MAILQUAY_KNOWN)
    if(NOT MAILQUAY_COMPONENTS MATCHES "^(auto|all)$")
        foreach(name IN LISTS MAILQUAY_COMPONENTS)
            if(NOT name IN_LIST known)
                message(FATAL_ERROR "mailquay: MAILQUAY_COMPONENTS names '${name}', but the components are: ${known}")
            endif()
        endforeach()
    endif()
    get_property(built GLOBAL PROPERTY MAILQUAY_BUILT)
    get_property(left_out GLOBAL PROPERTY MAILQUAY_LEFT_OUT)
    list(JOIN built " " built)
    message(STATUS "mailquay ${PROJECT_VERSION}: components: ${built}")
    foreach(reason IN LISTS left_out)
        message(STATUS "mailquay: left out: ${reason}")
    endforeach()
endfunction()
