# Modules: loaded on demand from beside the library, so that the library itself needs neither.

function(dc_add_module target)
    add_library(${target} MODULE ${ARGN})
    dc_private_includes(${target})
    target_link_libraries(${target} PRIVATE dualcube dc_flags Threads::Threads)
    if(DC_LIBM)
        target_link_libraries(${target} PRIVATE ${DC_LIBM})
    endif()
    target_link_options(${target} PRIVATE
        "LINKER:--version-script=${dc_root}/tools/cmake/module.map")
    if(NOT DC_SANITIZE)
        target_link_options(${target} PRIVATE "LINKER:--no-undefined" "LINKER:-z,relro,-z,now")
    endif()
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN"
                          LINK_DEPENDS "${dc_root}/tools/cmake/module.map")
endfunction()

file(GLOB dc_opencl_sources CONFIGURE_DEPENDS "${dc_root}/host/opencl/*.c")
if(dc_opencl_sources AND DC_HAVE_OPENCL)
    dc_add_module(dualcube-opencl ${dc_opencl_sources})
    target_link_libraries(dualcube-opencl PRIVATE dc_dep_opencl)
    foreach(name IN ITEMS clblast vkfft)
        string(TOUPPER ${name} upper)
        if(DC_HAVE_${upper})
            target_link_libraries(dualcube-opencl PRIVATE dc_dep_${name})
            target_compile_definitions(dualcube-opencl PRIVATE DC_HAVE_${upper}=1)
        else()
            message(STATUS "dualcube: ${name} not found: libdualcube-opencl is built without it")
        endif()
    endforeach()
endif()

# fft.c holds the whole of VkFFT, which only writes the text of kernels: optimising it is worth no
# half minute, nor are checks of somebody else's arithmetic.
set(dc_fft_options -O1)
if(DC_SANITIZE)
    set(dc_fft_options -O0 -g1)
    if(DC_SANITIZE MATCHES "address,undefined" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
        list(APPEND dc_fft_options -fno-sanitize=undefined
             --param=asan-instrumentation-with-call-threshold=0)
    endif()
endif()
set_source_files_properties("${dc_root}/host/opencl/fft.c" PROPERTIES
                            COMPILE_OPTIONS "${dc_fft_options}")

file(GLOB dc_blas_sources CONFIGURE_DEPENDS "${dc_root}/cpu_fallback/runtime/blas/*.c")
if(dc_blas_sources AND DC_HAVE_OPENBLAS)
    dc_add_module(dualcube-blas ${dc_blas_sources})
    target_link_libraries(dualcube-blas PRIVATE dc_dep_openblas)
endif()
