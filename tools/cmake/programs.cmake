# The command and the helper that probes drivers in a process of its own.

file(RELATIVE_PATH dc_bin_to_lib "/p/${CMAKE_INSTALL_BINDIR}" "/p/${dc_libdir}")
file(RELATIVE_PATH dc_probe_to_lib "/p/${dc_libexecdir}" "/p/${dc_libdir}")

if(EXISTS "${dc_root}/tools/dualcube-probe.c")
    add_executable(dualcube-probe "${dc_root}/tools/dualcube-probe.c")
    dc_private_includes(dualcube-probe)
    target_link_libraries(dualcube-probe PRIVATE dualcube dc_flags ${CMAKE_DL_LIBS})
    set_target_properties(dualcube-probe PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${dc_libexecdir}"
        INSTALL_RPATH "$ORIGIN/${dc_probe_to_lib}")
endif()

# parity and bench are the engines of tests/ and bench/, which use the public API alone.
file(GLOB dc_command_sources CONFIGURE_DEPENDS "${dc_root}/tools/dualcube/*.c"
     "${dc_root}/tests/harness/parity*.c" "${dc_root}/bench/*.c" "${dc_root}/bench/harness/*.c")
list(FILTER dc_command_sources EXCLUDE REGEX "/bench/latency\\.c$") # a program of its own
if(dc_command_sources AND DC_HAVE_CJSON)
    add_executable(dualcube-command ${dc_command_sources})
    # Public headers only; its own files are named from the repository's root.
    target_include_directories(dualcube-command PRIVATE "${dc_root}")
    target_link_libraries(dualcube-command PRIVATE dualcube dc_flags dc_dep_cjson
                          Threads::Threads ${CMAKE_DL_LIBS})
    if(DC_LIBM)
        target_link_libraries(dualcube-command PRIVATE ${DC_LIBM})
    endif()
    set_target_properties(dualcube-command PROPERTIES OUTPUT_NAME dualcube
                          INSTALL_RPATH "$ORIGIN/${dc_bin_to_lib}")
endif()
