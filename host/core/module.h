/* Modules: parts of the library that are loaded by absolute path when they are first needed, so
 * that a machine without their libraries still computes. */
#ifndef DC_CORE_MODULE_H
#define DC_CORE_MODULE_H

#include <stddef.h>

#include "host/core/error.h"

/* Absolute path of `file` beside the loaded library (its own directory). */
dc_status dc__module_path(const char *file, char *path, size_t room);

/* Load the module at `path` once (kept for the process's life) and find `symbol` in it. */
dc_status dc__module_symbol(const char *path, const char *symbol, void **address);

#endif
