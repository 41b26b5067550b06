/* GEMM steps: the BLAS module, loaded when the first one runs. */
#include "cpu_fallback/runtime/blas/blas_module.h"
#include "cpu_fallback/runtime/runtime.h"
#include "host/core/module.h"

static dc_status blas(const dc_blas_module **module)
{
    static const dc_blas_module *loaded; /* atomic; loading twice finds the same module */
    char path[4096];
    union { /* dlsym's object pointer is a function's */
        void *object;
        dc_blas_module_fn function;
    } entry;

    *module = __atomic_load_n(&loaded, __ATOMIC_ACQUIRE);
    if (*module)
        return DC_OK;
    DC_TRY(dc__module_path("libdualcube-blas.so", path, sizeof path));
    DC_TRY(dc__module_symbol(path, DC_BLAS_SYMBOL, &entry.object));
    *module = entry.function();
    DC_REQUIRE((*module)->abi == DC_BLAS_ABI, DC_E_UNSUPPORTED,
               "module %s: its interface is version %d, this library needs %d", path,
               (int)(*module)->abi, DC_BLAS_ABI);
    __atomic_store_n(&loaded, *module, __ATOMIC_RELEASE);
    return DC_OK;
}

dc_status dc__cpu_gemm(dc_cpu_queue *queue, const dc_step *step, const void *a, const void *b,
                       void *c)
{
    const dc_blas_module *module;

    DC_TRY(blas(&module));
    if (step->u.gemm.m == 0 || step->u.gemm.n == 0)
        return DC_OK;
    return module->gemm(step->dtype, &step->u.gemm, queue->threads, a, b, c);
}
