# How this tree is built: warnings, sanitizers, where things land. Nothing here reaches a project that uses mailquay.
include_guard()
include(GNUInstallDirs)

if(PROJECT_IS_TOP_LEVEL)
    if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
        set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
    endif()
    set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

    find_program(MAILQUAY_CCACHE ccache)
    mark_as_advanced(MAILQUAY_CCACHE)
    if(MAILQUAY_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
        set(CMAKE_CXX_COMPILER_LAUNCHER "${MAILQUAY_CCACHE}")
    endif()
endif()

if(MAILQUAY_SANITIZE)
    add_compile_options(-fsanitize=${MAILQUAY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${MAILQUAY_SANITIZE})
endif()
if(MAILQUAY_FUZZ)
    if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "mailquay: MAILQUAY_FUZZ needs Clang (libFuzzer); "
                            "set CMAKE_CXX_COMPILER=clang++-19 or use the preset 'fuzz'")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(MAILQUAY_COVERAGE)
    add_compile_options(--coverage -fprofile-update=atomic)
    add_link_options(--coverage)
endif()

# Settings of every target of ours: standard, warnings.
function(mailquay_own_target target)
    target_compile_features(${target} PRIVATE cxx_std_20)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
    if(NOT PROJECT_IS_TOP_LEVEL)
        return()
    endif()
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
    if(MAILQUAY_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
        if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
            # False alarms of GCC 12 in its own library once it optimises (GCC bugs 105329, 105651, 107852).
            target_compile_options(${target} PRIVATE -Wno-error=restrict -Wno-error=stringop-overflow
                                                     -Wno-error=array-bounds -Wno-error=maybe-uninitialized
                                                     -Wno-error=mismatched-new-delete)
        endif()
    endif()
endfunction()

# What tests and examples link for a component: mailquay::core, or its header-only twin.
function(mailquay_link target component)
    if(MAILQUAY_HEADER_ONLY_TESTS)
        target_link_libraries(${target} PRIVATE mailquay::${component}-header-only)
    else()
        target_link_libraries(${target} PRIVATE mailquay::${component})
    endif()
endfunction()
