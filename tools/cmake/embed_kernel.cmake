# cmake -DINPUT=kernels/<stem>.cl -DOUTPUT=<file.c> -DROOT=<repository> -DSTEM=<stem> -P this
#
# Expands every  #include "..."  (a file with an include guard once) and writes the text as
# const unsigned char dc__cl_<stem>[], ended by a 0 byte.  Includes in <...> are left alone: they
# stand in the branch that an OpenCL compiler does not take.

cmake_minimum_required(VERSION 3.20)
set(included)

function(expand file text_out)
    file(READ "${file}" rest)
    set(text "")
    while(TRUE)
        string(REGEX MATCH "(^|\n)[ \t]*#[ \t]*include[ \t]*\"[^\"\n]+\"[^\n]*" line "${rest}")
        if(line STREQUAL "")
            break()
        endif()
        string(FIND "${rest}" "${line}" begin)
        string(LENGTH "${line}" length)
        math(EXPR after "${begin} + ${length}")
        string(SUBSTRING "${rest}" 0 ${begin} head)
        string(SUBSTRING "${rest}" ${after} -1 rest)
        string(REGEX REPLACE ".*\"([^\"]+)\".*" "\\1" name "${line}")
        set(path "")
        foreach(root IN ITEMS "${ROOT}" "${ROOT}/include")
            if(EXISTS "${root}/${name}")
                set(path "${root}/${name}")
                break()
            endif()
        endforeach()
        if(path STREQUAL "")
            message(FATAL_ERROR "${file}: #include \"${name}\": not found from ${ROOT} or include/")
        endif()
        string(APPEND text "${head}\n")
        if(NOT path IN_LIST included)
            file(STRINGS "${path}" guard REGEX "^#ifndef .*_H$")
            if(guard)
                list(APPEND included "${path}")
            endif()
            expand("${path}" inner)
            string(APPEND text "${inner}")
        endif()
    endwhile()
    set(included "${included}" PARENT_SCOPE)
    set(${text_out} "${text}${rest}" PARENT_SCOPE)
endfunction()

expand("${INPUT}" text)
# Through a file, because only file(READ) gives bytes; the text lies beside for a person to read.
file(WRITE "${OUTPUT}.cl" "${text}")
file(READ "${OUTPUT}.cl" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REPLACE "0x0a," "0x0a,\n" bytes "${bytes}")
file(WRITE "${OUTPUT}"
"/* Text of kernels/${STEM}.cl with its includes; made by the build. */
extern const unsigned char dc__cl_${STEM}[];
const unsigned char dc__cl_${STEM}[] = {
${bytes}0x00};
")
