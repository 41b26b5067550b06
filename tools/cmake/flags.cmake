# dc_flags: what every file of ours is compiled with.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_INTERPROCEDURAL_OPTIMIZATION OFF) # no copy of an AVX-512 helper may leak into baseline

add_library(dc_flags INTERFACE)
# Two roundings in a*b+c, always; errno and traps of the mathematics library are not looked at.
target_compile_options(dc_flags INTERFACE
    -ffp-contract=off -fno-math-errno -fno-trapping-math -fno-fast-math
    -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla)
# C11 proper, with the whole of the system's headers (empty, as a file's own #define would be).
target_compile_definitions(dc_flags INTERFACE _GNU_SOURCE=)
if(DC_WERROR)
    target_compile_options(dc_flags INTERFACE -Werror)
endif()
if(DC_SANITIZE)
    target_compile_options(dc_flags INTERFACE -fno-omit-frame-pointer -fno-sanitize-recover=all
                           # A target may say itself how it is compiled and what is checked: of
                           # these options the last one wins.
                           $<$<NOT:$<BOOL:$<TARGET_PROPERTY:DC_OWN_SANITIZE>>>:-O1>
                           $<$<NOT:$<BOOL:$<TARGET_PROPERTY:DC_OWN_SANITIZE>>>:-g>
                           $<$<NOT:$<BOOL:$<TARGET_PROPERTY:DC_OWN_SANITIZE>>>:-fsanitize=${DC_SANITIZE}>)
    target_link_options(dc_flags INTERFACE -fsanitize=${DC_SANITIZE})
endif()
