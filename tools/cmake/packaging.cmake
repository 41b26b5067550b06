# cmake --install.  Component `runtime` is what a program needs to run (and all that a wheel holds),
# `development` what it needs to be built.  Nothing names an absolute path: a prefix can be moved.

include(CMakePackageConfigHelpers)

foreach(target IN ITEMS dualcube-opencl dualcube-blas)
    if(TARGET ${target})
        list(APPEND dc_module_targets ${target})
    endif()
endforeach()
install(TARGETS dualcube EXPORT dualcubeTargets
        LIBRARY DESTINATION ${dc_libdir} COMPONENT runtime NAMELINK_COMPONENT development)
if(dc_module_targets)
    install(TARGETS ${dc_module_targets} LIBRARY DESTINATION ${dc_libdir} COMPONENT runtime)
endif()
if(TARGET dualcube-probe)
    install(TARGETS dualcube-probe RUNTIME DESTINATION ${dc_libexecdir} COMPONENT runtime)
endif()
if(TARGET dualcube-command)
    install(TARGETS dualcube-command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
            COMPONENT runtime)
endif()
if(dc_wheel)
    return()
endif()

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/dualcube" COMPONENT development
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
set(dc_cmake_dir "${dc_libdir}/cmake/dualcube")
install(EXPORT dualcubeTargets NAMESPACE dualcube:: DESTINATION ${dc_cmake_dir}
        COMPONENT development)
configure_package_config_file("${PROJECT_SOURCE_DIR}/tools/cmake/dualcubeConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/generated/dualcubeConfig.cmake" INSTALL_DESTINATION ${dc_cmake_dir}
    NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the API.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/generated/dualcubeConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/generated/dualcubeConfig.cmake"
              "${PROJECT_BINARY_DIR}/generated/dualcubeConfigVersion.cmake"
        DESTINATION ${dc_cmake_dir} COMPONENT development)

file(RELATIVE_PATH dc_pc_to_prefix "/p/${dc_libdir}/pkgconfig" "/p")
string(REGEX REPLACE "/$" "" dc_pc_to_prefix "${dc_pc_to_prefix}")
configure_file("${PROJECT_SOURCE_DIR}/tools/cmake/dualcube.pc.in"
               "${PROJECT_BINARY_DIR}/generated/dualcube.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/generated/dualcube.pc" DESTINATION ${dc_libdir}/pkgconfig
        COMPONENT development)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION ${CMAKE_INSTALL_DOCDIR}
        COMPONENT runtime OPTIONAL)
