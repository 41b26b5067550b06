/* GEMM steps and the host's linear algebra: the BLAS module, loaded when it is first needed. */
#include "cpu_fallback/runtime/blas/blas_module.h"
#include "cpu_fallback/runtime/runtime.h"
#include "host/core/linear.h"
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

dc_status dc__syrk(int32_t dtype, int64_t n, int64_t rows, int32_t threads, const void *a, void *c)
{
    const dc_blas_module *module;

    DC_TRY(blas(&module));
    return module->syrk(dtype, n, rows, threads, a, c);
}

dc_status dc__eigen_symmetric(int64_t n, int32_t threads, double *a, double *values)
{
    const dc_blas_module *module;

    DC_TRY(blas(&module));
    return module->eigen(n, threads, a, values);
}
