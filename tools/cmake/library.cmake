# libdualcube: the API, the core, topology, the CPU executor, the mirrors for each instruction set.

set(dc_root "${PROJECT_SOURCE_DIR}")
file(GLOB dc_host_sources CONFIGURE_DEPENDS
     "${dc_root}/host/*.c" "${dc_root}/host/core/*.c" "${dc_root}/host/topology/*.c")
file(GLOB dc_runtime_sources CONFIGURE_DEPENDS "${dc_root}/cpu_fallback/runtime/*.c")
list(FILTER dc_runtime_sources EXCLUDE REGEX "/(isa|fft_lanes)\\.c$")

# Kernel text as bytes.
file(GLOB dc_kernels CONFIGURE_DEPENDS "${dc_root}/kernels/*.cl")
file(GLOB dc_kernel_headers CONFIGURE_DEPENDS "${dc_root}/kernels/shared/*.h")
set(dc_kernel_sources)
foreach(kernel IN LISTS dc_kernels)
    get_filename_component(stem "${kernel}" NAME_WE)
    set(output "${PROJECT_BINARY_DIR}/generated/cl_${stem}.c")
    add_custom_command(
        OUTPUT "${output}"
        COMMAND "${CMAKE_COMMAND}" -DINPUT=${kernel} -DOUTPUT=${output} -DROOT=${dc_root}
                -DSTEM=${stem} -P "${dc_root}/tools/cmake/embed_kernel.cmake"
        DEPENDS "${kernel}" ${dc_kernel_headers} "${dc_root}/include/dualcube/kinds.h"
                "${dc_root}/tools/cmake/embed_kernel.cmake"
        COMMENT "Embedding kernels/${stem}.cl" VERBATIM)
    list(APPEND dc_kernel_sources "${output}")
endforeach()

set(dc_definitions)
foreach(isa IN LISTS dc_isas)
    string(TOUPPER ${isa} upper)
    list(APPEND dc_definitions DC_HAVE_${upper}=1)
endforeach()

function(dc_private_includes target)
    target_include_directories(${target} PRIVATE "${dc_root}" "${dc_root}/include")
endfunction()

# One list of objects serves the shared library and the static one of the tests.
set(dc_objects)
function(dc_add_objects target)
    add_library(${target} OBJECT ${ARGN})
    dc_private_includes(${target})
    target_link_libraries(${target} PRIVATE dc_flags)
    list(APPEND dc_objects $<TARGET_OBJECTS:${target}>)
    set(dc_objects "${dc_objects}" PARENT_SCOPE)
endfunction()

dc_add_objects(dualcube_host ${dc_host_sources} ${dc_kernel_sources})
# Not the mirrors: they are compiled alike, whichever others there are.
target_compile_definitions(dualcube_host PRIVATE ${dc_definitions})
# From the library's own directory to the probe helper, here and installed.
file(RELATIVE_PATH dc_probe_path "/p/${dc_libdir}" "/p/${dc_libexecdir}/dualcube-probe")
target_compile_definitions(dualcube_host PRIVATE DC_PROBE_PATH="${dc_probe_path}"
                           DC_SOVERSION=${DC_SOVERSION})
if(DC_HAVE_HWLOC)
    target_compile_definitions(dualcube_host PRIVATE DC_HAVE_HWLOC=1)
    target_link_libraries(dualcube_host PRIVATE dc_dep_hwloc)
endif()

if(dc_runtime_sources)
    dc_add_objects(dualcube_runtime ${dc_runtime_sources})
    target_compile_definitions(dualcube_runtime PRIVATE ${dc_definitions})
    if(DC_ENABLE_OPENMP)
        target_link_libraries(dualcube_runtime PRIVATE OpenMP::OpenMP_C)
        target_compile_definitions(dualcube_runtime PRIVATE DC_HAVE_OPENMP=1)
    else()
        target_compile_options(dualcube_runtime PRIVATE -Wno-unknown-pragmas)
    endif()
endif()

set(dc_isa_flags_baseline)
set(dc_isa_flags_avx2 -march=x86-64-v3)
set(dc_isa_flags_avx512 -march=x86-64-v4 -mprefer-vector-width=512)
# Mirrors are most of a sanitizer's build.  One of the types of each text is watched, the others are
# compiled in the quickest way; DC_SANITIZE_EVERY_TYPE watches all.
function(dc_sanitize_mirror target sfx)
    # Full debug information and every check inline make minutes of unrolled networks.
    set_target_properties(${target} PROPERTIES DC_OWN_SANITIZE TRUE)
    set(gnu FALSE)
    set(optimised -O1)
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        set(gnu TRUE)
        # The largest: a third less than -O1 (which gcc 12 does not survive without a sanitizer);
        # false alarms about lanes that a loop fills.
        if(target MATCHES "_(rolling|smooth)_")
            set(optimised -Og)
        endif()
        target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
    target_compile_options(${target} PRIVATE ${optimised})
    if(NOT DC_SANITIZE_EVERY_TYPE AND NOT sfx MATCHES "^(f32|u32)$")
        target_compile_options(${target} PRIVATE -g0)
    elseif(gnu AND DC_SANITIZE STREQUAL "address,undefined")
        # Bad addresses are the address sanitizer's business.
        target_compile_options(${target} PRIVATE -g1 -fsanitize=address
            "SHELL:--param asan-instrumentation-with-call-threshold=0" -fsanitize=undefined
            -fno-sanitize=null,object-size,alignment,pointer-overflow,bounds)
    else()
        target_compile_options(${target} PRIVATE -g1 -fsanitize=${DC_SANITIZE})
    endif()
endfunction()

# The object of a target in the release build that the caller has, or "".  Threads meet in the
# executor, not in mirrors, so the thread sanitizer watches none.
function(dc_taken_mirror target sfx source out)
    set(object "${DC_MIRRORS_FROM}/CMakeFiles/${target}.dir/cpu_fallback/runtime/${source}.o")
    if(DC_SANITIZE MATCHES "address|undefined" AND
       (DC_SANITIZE_EVERY_TYPE OR sfx MATCHES "^(f32|u32)$"))
        set(object "")
    elseif(NOT DC_MIRRORS_FROM OR NOT EXISTS "${object}")
        set(object "")
    endif()
    set(${out} "${object}" PARENT_SCOPE)
endfunction()

# One object per stem, type and instruction set.
function(dc_add_isa isa stem sfx source)
    set(target dualcube_isa_${isa}_${stem}_${sfx})
    dc_taken_mirror(${target} ${sfx} ${source} taken)
    if(taken)
        set_source_files_properties("${taken}" PROPERTIES EXTERNAL_OBJECT TRUE)
        list(APPEND dc_objects "${taken}")
        set(dc_objects "${dc_objects}" PARENT_SCOPE)
        return()
    endif()
    dc_add_objects(${target} "${dc_root}/cpu_fallback/runtime/${source}")
    target_compile_definitions(${target} PRIVATE DC_ISA=${isa} SFX=${sfx} DC_MIRROR_${sfx})
    # Vector arguments stay inside the object, so their calling convention is nobody's concern.
    target_compile_options(${target} PRIVATE ${dc_isa_flags_${isa}} -Wno-psabi)
    # The baseline is the reference that the others are compared with, for machines before AVX2: it is
    # compiled quickly, with fewer copies of its loops.
    if(isa STREQUAL "baseline")
        target_compile_definitions(${target} PRIVATE DC_MIRROR_BRIEF)
        target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
    if(NOT DC_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
        if(NOT isa STREQUAL "baseline")
            target_compile_options(${target} PRIVATE -O3)
        elseif(NOT stem STREQUAL "rolling") # gcc 12 does not survive -O1 there
            target_compile_options(${target} PRIVATE -O1)
        endif()
    endif()
    if(DC_SANITIZE)
        dc_sanitize_mirror(${target} ${sfx})
    endif()
    set(dc_objects "${dc_objects}" PARENT_SCOPE)
endfunction()

# A family: isa.c with other names.
function(dc_add_mirror isa stem sfx)
    dc_add_isa(${isa} ${stem} ${sfx} isa.c)
    if(TARGET dualcube_isa_${isa}_${stem}_${sfx})
        target_compile_definitions(dualcube_isa_${isa}_${stem}_${sfx} PRIVATE DC_STEM=${stem}
            "DC_OWN_${stem}=~,1" DC_MIRROR_FILE="cpu_fallback/${stem}.c")
    endif()
    set(dc_objects "${dc_objects}" PARENT_SCOPE)
endfunction()

# The transforms of FFT steps.
foreach(isa IN LISTS dc_isas)
    foreach(sfx f32 f64)
        dc_add_isa(${isa} fft ${sfx} fft_lanes.c)
    endforeach()
endforeach()

set(dc_mirrors "${dc_root}/cpu_fallback/runtime/families.inc")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${dc_mirrors}")
file(STRINGS "${dc_mirrors}" dc_mirror_lines REGEX "^DC_MIRROR\\(")
foreach(line IN LISTS dc_mirror_lines)
    string(REGEX MATCH "^DC_MIRROR\\(([a-z0-9]+), ([a-z0-9]+)\\)$" found "${line}")
    if(NOT found)
        message(FATAL_ERROR "${dc_mirrors}: not a line of the form DC_MIRROR(stem, type): ${line}")
    endif()
    set(dc_stem "${CMAKE_MATCH_1}")
    set(dc_sfx "${CMAKE_MATCH_2}")
    foreach(isa IN LISTS dc_isas)
        dc_add_mirror(${isa} ${dc_stem} ${dc_sfx})
    endforeach()
endforeach()

function(dc_library_links target)
    target_include_directories(${target} PUBLIC
        $<BUILD_INTERFACE:${dc_root}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:dc_flags> Threads::Threads
                          ${CMAKE_DL_LIBS})
    if(DC_LIBM)
        target_link_libraries(${target} PRIVATE ${DC_LIBM})
    endif()
    if(DC_HAVE_HWLOC)
        target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:dc_dep_hwloc>)
    endif()
    if(DC_ENABLE_OPENMP)
        target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:OpenMP::OpenMP_C>)
    endif()
endfunction()

set(dc_map "${dc_root}/tools/cmake/dualcube.map")
add_library(dualcube SHARED ${dc_objects})
add_library(dualcube::dualcube ALIAS dualcube)
dc_library_links(dualcube)
target_link_options(dualcube PRIVATE "LINKER:--version-script=${dc_map}")
if(NOT DC_SANITIZE)
    target_link_options(dualcube PRIVATE "LINKER:-z,relro,-z,now")
endif()
set_target_properties(dualcube PROPERTIES LINK_DEPENDS "${dc_map}")
if(NOT dc_wheel)
    set_target_properties(dualcube PROPERTIES VERSION ${PROJECT_VERSION}
                          SOVERSION ${DC_SOVERSION})
endif()

# For tests that look inside; not installed.
add_library(dualcube_static STATIC EXCLUDE_FROM_ALL ${dc_objects})
dc_library_links(dualcube_static)
