#include "host/core/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

dc_status dc__module_path(const char *file, char *path, size_t room)
{
    static const char here = 0;
    Dl_info info;
    const char *slash;
    size_t n;

    DC_REQUIRE(dladdr(&here, &info) && info.dli_fname, DC_E_UNSUPPORTED,
               "module %s: the library's own path is unknown", file);
    slash = strrchr(info.dli_fname, '/');
    n = slash ? (size_t)(slash - info.dli_fname) + 1 : 0;
    DC_REQUIRE(n + strlen(file) + 1 <= room, DC_E_UNSUPPORTED,
               "module %s: its path is longer than %zu bytes", file, room - 1);
    memcpy(path, info.dli_fname, n);
    strcpy(path + n, file);
    return DC_OK;
}

dc_status dc__module_symbol(const char *path, const char *symbol, void **address)
{
    /* dlopen counts references and finds a loaded module itself; the handle is never closed, since
     * drivers keep threads and exit handlers in their libraries. */
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    DC_REQUIRE(module, DC_E_UNSUPPORTED, "module %s: %s", path, dlerror());
    *address = dlsym(module, symbol);
    DC_REQUIRE(*address, DC_E_UNSUPPORTED, "module %s has no %s", path, symbol);
    return DC_OK;
}
