# dc_add_test(<name> SOURCES <file>... [LIBS <target>...] [DEFINES <definition>...]
#             [MODULE_API | PRIVATE_API] [NO_CTEST] [TIMEOUT <s>] [LABELS <word>...] [ARGS <arg>...])
#
# Adds the executable <build>/bin/tests/<name> and registers it with ctest.
#   (neither)    links libdualcube.so and sees public headers only
#   MODULE_API   links libdualcube.so and may also call what it exports to its modules (DC_MODULE)
#   PRIVATE_API  links the same objects statically and may call everything; a module loaded by the
#                test uses the test's own copy
# cmocka is linked when it was found; a test that needs it checks TARGET dc_dep_cmocka.
function(dc_add_test name)
    cmake_parse_arguments(arg "MODULE_API;PRIVATE_API;NO_CTEST" "TIMEOUT"
                          "SOURCES;LIBS;DEFINES;LABELS;ARGS" ${ARGN})
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
        message(FATAL_ERROR "dc_add_test(${name}): SOURCES missing or unknown arguments: "
                            "${arg_UNPARSED_ARGUMENTS}")
    endif()
    add_executable(${name} ${arg_SOURCES})
    set_target_properties(${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin/tests")
    if(arg_PRIVATE_API)
        target_link_libraries(${name} PRIVATE dualcube_static)
        set_target_properties(${name} PROPERTIES ENABLE_EXPORTS ON)
    else()
        target_link_libraries(${name} PRIVATE dualcube)
    endif()
    if(arg_PRIVATE_API OR arg_MODULE_API)
        target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
    endif()
    target_compile_definitions(${name} PRIVATE ${arg_DEFINES})
    target_link_libraries(${name} PRIVATE dc_flags ${arg_LIBS})
    if(TARGET dc_dep_cmocka)
        target_link_libraries(${name} PRIVATE dc_dep_cmocka)
    endif()
    if(DC_LIBM)
        target_link_libraries(${name} PRIVATE ${DC_LIBM})
    endif()
    if(arg_NO_CTEST)
        return()
    endif()
    add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 300)
    endif()
    # Waiting OpenMP threads must not spin next to an OpenCL driver's own.
    set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}"
                         ENVIRONMENT "OMP_WAIT_POLICY=passive")
endfunction()
