# What will be built, in a few lines.

function(dc_found name variable)
    if(${variable})
        set(word "yes")
    else()
        set(word "no")
    endif()
    message(STATUS "  ${name}: ${word}")
endfunction()

list(JOIN dc_isas " " dc_isa_text)
message(STATUS "dualcube ${PROJECT_VERSION}, ${CMAKE_BUILD_TYPE}, ${CMAKE_C_COMPILER_ID} "
               "${CMAKE_C_COMPILER_VERSION}, instruction sets: ${dc_isa_text}")
dc_found("threads (OpenMP)" DC_ENABLE_OPENMP)
dc_found("topology from hwloc" DC_HAVE_HWLOC)
dc_found("OpenCL module" DC_HAVE_OPENCL)
dc_found("  FFT on devices (VkFFT)" DC_HAVE_VKFFT)
dc_found("  BLAS on devices (CLBlast)" DC_HAVE_CLBLAST)
dc_found("BLAS module (OpenBLAS)" DC_HAVE_OPENBLAS)
dc_found("command (cJSON)" DC_HAVE_CJSON)
if(DC_SANITIZE)
    message(STATUS "  sanitizers: ${DC_SANITIZE}")
endif()
