# cmake -DSOURCE= -DBUILD= -DSTAGE= -DCOMPILER= -DLAUNCHER= -DOPTIONS=a|b -P install.cmake
# Builds the library, installs it, moves it to STAGE, and looks for folders of this machine in what was installed.
string(REPLACE "|" ";" OPTIONS "${OPTIONS}")
file(REMOVE_RECURSE "${STAGE}" "${STAGE}.first")

execute_process(COMMAND "${CMAKE_COMMAND}" -S "${SOURCE}" -B "${BUILD}" -G Ninja "-DCMAKE_CXX_COMPILER=${COMPILER}"
                        "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}" -DCMAKE_BUILD_TYPE=Release
                        -DMAILQUAY_COMPONENTS=all -DMAILQUAY_BUILD_TESTS=OFF -DMAILQUAY_BUILD_EXAMPLES=OFF
                        -DCMAKE_CXX_FLAGS_RELEASE=-O1 ${OPTIONS}
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${BUILD}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${STAGE}.first" COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${STAGE}.first" "${STAGE}")

file(GLOB_RECURSE installed "${STAGE}/*")
if(NOT installed)
    message(FATAL_ERROR "nothing was installed")
endif()
foreach(file IN LISTS installed)
    foreach(folder IN ITEMS "${SOURCE}" "${BUILD}" "${STAGE}")
        file(STRINGS "${file}" lines REGEX "${folder}")
        if(lines)
            message(SEND_ERROR "${file} names a folder of the machine that built it:\n${lines}")
        endif()
    endforeach()
endforeach()
