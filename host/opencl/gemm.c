/* GEMM steps: CLBlast.  Class NORMWISE: its order of additions is tuned per device.
 *
 * CLBlast 1.5 crashes when several threads meet it for the first time, hence one mutex; it refuses
 * empty products, which are therefore done here.
 */
#include "host/opencl/opencl.h"

#ifdef DC_HAVE_CLBLAST
#include <clblast_c.h>

static pthread_mutex_t clblast = PTHREAD_MUTEX_INITIALIZER;

/* C = beta * C, row by row; beta = 0 writes zeros whatever C held. */
static dc_status scale(dc_cl_queue *queue, const dc_step *step, cl_mem c, size_t at)
{
    const dc_gemm_step *g = &step->u.gemm;
    const int wide = step->dtype == DC_F64;
    const size_t width = wide ? 8 : 4, n = (size_t)g->n;
    const double zero = 0.0;

    for (int64_t r = 0; r < g->m && g->beta != 1.0; ++r) {
        const size_t row = at + (size_t)(r * g->ldc) * width;
        int code;
        if (g->beta == 0.0)
            code = clEnqueueFillBuffer(queue->cl, c, &zero, width, row, n * width, 0, NULL, NULL);
        else if (wide)
            code = CLBlastDscal(n, g->beta, c, row / width, 1, &queue->cl, NULL);
        else
            code = CLBlastSscal(n, (float)g->beta, c, row / width, 1, &queue->cl, NULL);
        DC_REQUIRE(code == 0, DC_E_DEVICE, "%s: scaling a matrix on %s: error %d", step->op->name,
                   queue->device->info.id, code);
    }
    return DC_OK;
}

dc_status dc__cl_gemm(dc_cl_queue *queue, const dc_step *step, cl_mem a, size_t a_offset_bytes,
                      cl_mem b, size_t b_offset_bytes, cl_mem c, size_t c_offset_bytes)
{
    const dc_gemm_step *g = &step->u.gemm;
    const int wide = step->dtype == DC_F64;
    const size_t width = wide ? 8 : 4, a_at = a_offset_bytes / width, b_at = b_offset_bytes / width,
                 c_at = c_offset_bytes / width;
    const CLBlastTranspose ta = g->transpose_a ? CLBlastTransposeYes : CLBlastTransposeNo;
    const CLBlastTranspose tb = g->transpose_b ? CLBlastTransposeYes : CLBlastTransposeNo;
    const size_t m = (size_t)g->m, n = (size_t)g->n, k = (size_t)g->k, lda = (size_t)g->lda,
                 ldb = (size_t)g->ldb, ldc = (size_t)g->ldc;
    dc_status status = DC_OK;
    int code = 0;

    if (m == 0 || n == 0)
        return DC_OK;
    pthread_mutex_lock(&clblast);
    queue->device->gemm = &clblast; /* used: to be cleared */
    if (k == 0)
        status = scale(queue, step, c, c_offset_bytes);
    else if (wide)
        code = CLBlastDgemm(CLBlastLayoutRowMajor, ta, tb, m, n, k, g->alpha, a, a_at, lda, b, b_at,
                            ldb, g->beta, c, c_at, ldc, &queue->cl, NULL);
    else
        code = CLBlastSgemm(CLBlastLayoutRowMajor, ta, tb, m, n, k, (float)g->alpha, a, a_at, lda,
                            b, b_at, ldb, (float)g->beta, c, c_at, ldc, &queue->cl, NULL);
    pthread_mutex_unlock(&clblast);
    DC_REQUIRE(code == 0, DC_E_DEVICE,
               "%s: product of %lld x %lld x %lld on %s: CLBlast's error %d", step->op->name,
               (long long)g->m, (long long)g->n, (long long)g->k, queue->device->info.id, code);
    return status;
}

/* CLBlast keeps programs per context and must forget them before the context goes. */
void dc__cl_gemm_closed(dc_cl_device *device)
{
    if (device->gemm == NULL)
        return;
    pthread_mutex_lock(&clblast);
    (void)CLBlastClearCache();
    pthread_mutex_unlock(&clblast);
    device->gemm = NULL;
}

#endif
