/* FFT steps: VkFFT, out of place.  Class NORMWISE: VkFFT contracts its multiplications.
 *
 * Rows never influence each other: the library's merging of two real rows into one complex row is
 * off.  Odd lengths that its real transform refuses (Bluestein lengths in 48 KiB of local memory)
 * run as complex transforms of the expanded rows, and so does length 1, where nothing is left to
 * transform.  Plans are kept per queue, since their work buffers serve one command at a time.
 *
 * VkFFT is not safe to create plans from two threads, changes the process's locale and prints the
 * source when a build fails: one mutex, and the three calls are taken away from it here.
 */
#define VKFFT_BACKEND 3
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/opencl/opencl.h"

#ifdef DC_HAVE_VKFFT

static inline char *no_locale(const char *name)
{
    (void)name;
    return NULL;
}
#define setlocale(category, name) no_locale(name)
#define printf(...)               ((void)0)
#include <vkFFT.h>
#undef printf
#undef setlocale

#include "host/opencl/fft_rows.h"

enum {
    KEPT_PLANS = 16,
    LONGEST_ON_CPU = 65536, /* beyond it PoCL's work-groups overflow their stack */
    REFUSED_ODD_LENGTH = 3003,
    CHECKED_BYTES = 1 << 26 /* rows of larger plans are not worth the memory of a check */
};

typedef struct fft_plan {
    struct fft_plan *next;
    dc_fft_step key;
    int32_t dtype;
    int complex_rows; /* rows are expanded and transformed in `wide`                       */
    int made;
    VkFFTApplication app;
    dc_cl_memory *real, *half, *wide; /* made when first needed                            */
    /* VkFFT keeps the addresses of these. */
    cl_device_id device;
    cl_context context;
    cl_command_queue commands;
    uint64_t real_bytes, half_bytes, wide_bytes;
    cl_mem real_mem, half_mem, wide_mem;
} fft_plan;

/* What device->fft points to. */
typedef struct fft_state {
    fft_plan *plans;
    cl_program rows[2]; /* float32, float64 */
} fft_state;

static pthread_mutex_t vkfft = PTHREAD_MUTEX_INITIALIZER;

static void plan_free(dc_cl_device *device, fft_plan *plan)
{
    (void)clFinish(plan->commands); /* they may use the plan's buffers */
    clReleaseCommandQueue(plan->commands);
    if (plan->made)
        deleteVkFFT(&plan->app);
    if (plan->real)
        dc__cl_memory_free(device, plan->real);
    if (plan->half)
        dc__cl_memory_free(device, plan->half);
    if (plan->wide)
        dc__cl_memory_free(device, plan->wide);
    free(plan);
}

/* Drops all plans of the list but the first `keep`. */
static void drop_plans(dc_cl_device *device, fft_plan **link, int keep)
{
    for (int i = 0; i < keep && *link; ++i)
        link = &(*link)->next;
    while (*link) {
        fft_plan *old = *link;
        *link = old->next;
        plan_free(device, old);
    }
}

static VkFFTResult initialise(fft_plan *plan)
{
    VkFFTConfiguration how;
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0), before;
    VkFFTResult result;

    memset(&how, 0, sizeof how);
    how.FFTdim = 1;
    how.size[0] = (uint64_t)plan->key.n;
    how.numberBatches = (uint64_t)plan->key.batch;
    how.device = &plan->device;
    how.context = &plan->context;
    how.doublePrecision = plan->dtype == DC_F64;
    how.useLUT = 1;
    how.makeForwardPlanOnly = plan->key.direction == DC_FFT_R2C;
    how.makeInversePlanOnly = !how.makeForwardPlanOnly;
    if (plan->complex_rows) {
        how.bufferSize = &plan->wide_bytes;
    } else {
        how.performR2C = 1;
        how.disableMergeSequencesR2C = 1;
        how.isInputFormatted = 1;
        how.inverseReturnToInputBuffer = 1;
        how.inputBufferStride[0] = (uint64_t)plan->key.n;
        how.bufferStride[0] = (uint64_t)(plan->key.n / 2 + 1);
        how.inputBufferSize = &plan->real_bytes;
        how.bufferSize = &plan->half_bytes;
    }
    before = c_locale ? uselocale(c_locale) : (locale_t)0;
    result = initializeVkFFT(&plan->app, how);
    if (c_locale) {
        uselocale(before);
        freelocale(c_locale);
    }
    plan->made = result == VKFFT_SUCCESS;
    return result;
}

static dc_status plan_new(dc_cl_queue *queue, const dc_step *step, fft_plan **made)
{
    const uint64_t width = step->dtype == DC_F64 ? 8 : 4, n = (uint64_t)step->u.fft.n,
                   batch = (uint64_t)step->u.fft.batch;
    fft_plan *plan = calloc(1, sizeof *plan);
    VkFFTResult result = VKFFT_SUCCESS;

    DC_REQUIRE(plan, DC_E_MEMORY, "%s: out of host memory for an FFT plan", step->op->name);
    plan->key = step->u.fft;
    plan->dtype = step->dtype;
    plan->device = queue->device->id;
    plan->context = queue->device->cl;
    plan->commands = queue->cl;
    plan->real_bytes = width * n * batch;
    plan->half_bytes = 2 * width * (n / 2 + 1) * batch;
    plan->wide_bytes = 2 * width * n * batch;
    plan->complex_rows = n == 1;
    if (n > 1)
        result = initialise(plan);
    if ((int)result == REFUSED_ODD_LENGTH) {
        plan->complex_rows = 1;
        memset(&plan->app, 0, sizeof plan->app);
        result = initialise(plan);
    }
    if (result != VKFFT_SUCCESS) {
        free(plan); /* VkFFT has freed what it made */
        return dc__fail(DC_E_DEVICE, "%s: FFT of length %lld on %s: VkFFT's error %d",
                        step->op->name, (long long)n, queue->device->info.id, (int)result);
    }
    if (clRetainCommandQueue(plan->commands) != CL_SUCCESS) { /* plan_free() would release it */
        if (plan->made)
            deleteVkFFT(&plan->app);
        free(plan);
        return dc__fail(DC_E_DEVICE, "%s: clRetainCommandQueue failed", step->op->name);
    }
    *made = plan;
    return DC_OK;
}

static int is_for(const fft_plan *plan, const dc_cl_queue *queue, const dc_step *step)
{
    return plan->commands == queue->cl && plan->dtype == step->dtype &&
           plan->key.n == step->u.fft.n && plan->key.batch == step->u.fft.batch &&
           plan->key.direction == step->u.fft.direction;
}

/* Newest first, so that the list's end is the least recently used. */
static dc_status plan_get(dc_cl_queue *queue, const dc_step *step, fft_plan **plan, int *fresh)
{
    dc_cl_device *device = queue->device;
    fft_state *state = device->fft;
    fft_plan **link, *found;

    if (state == NULL) {
        state = calloc(1, sizeof *state);
        DC_REQUIRE(state, DC_E_MEMORY, "%s: out of host memory for an FFT", step->op->name);
        device->fft = state;
    }
    link = &state->plans;
    while (*link && !is_for(*link, queue, step))
        link = &(*link)->next;
    found = *link;
    *fresh = found == NULL;
    if (found) {
        *link = found->next;
    } else {
        drop_plans(device, &state->plans, KEPT_PLANS - 1);
        DC_TRY(plan_new(queue, step, &found));
    }
    found->next = state->plans;
    state->plans = found;
    *plan = found;
    return DC_OK;
}

static dc_status own_memory(dc_cl_device *device, dc_cl_memory **memory, uint64_t bytes,
                            cl_mem *mem)
{
    if (*memory == NULL)
        DC_TRY(dc__cl_memory_new(device, (size_t)bytes, memory));
    *mem = (*memory)->mem;
    return DC_OK;
}

static dc_status append(dc_cl_queue *queue, fft_plan *plan)
{
    VkFFTLaunchParams launch;
    VkFFTResult result;

    memset(&launch, 0, sizeof launch);
    launch.commandQueue = &queue->cl;
    if (plan->complex_rows) {
        launch.buffer = &plan->wide_mem;
    } else {
        launch.inputBuffer = &plan->real_mem;
        launch.buffer = &plan->half_mem;
    }
    result = VkFFTAppend(&plan->app, plan->key.direction == DC_FFT_R2C ? -1 : 1, &launch);
    DC_REQUIRE(result == VKFFT_SUCCESS, DC_E_DEVICE, "FFT of length %lld on %s: VkFFT's error %d",
               (long long)plan->key.n, queue->device->info.id, (int)result);
    return DC_OK;
}

/* Rows with an offset go through the plan's own memory; VkFFT counts offsets in elements of its
 * choice and its inverse may overwrite what it reads. */
static dc_status run_real(dc_cl_queue *queue, fft_plan *plan, cl_mem in, size_t in_at, cl_mem out,
                          size_t out_at)
{
    const int forward = plan->key.direction == DC_FFT_R2C;
    const size_t in_bytes = (size_t)(forward ? plan->real_bytes : plan->half_bytes);
    const size_t out_bytes = (size_t)(forward ? plan->half_bytes : plan->real_bytes);
    cl_mem *from = forward ? &plan->real_mem : &plan->half_mem;
    cl_mem *to = forward ? &plan->half_mem : &plan->real_mem;
    dc_cl_memory **own_from = forward ? &plan->real : &plan->half;
    dc_cl_memory **own_to = forward ? &plan->half : &plan->real;

    *from = in;
    *to = out;
    if (!forward || in_at) {
        DC_TRY(own_memory(queue->device, own_from, in_bytes, from));
        DC_CL_TRY("clEnqueueCopyBuffer",
                  clEnqueueCopyBuffer(queue->cl, in, *from, in_at, 0, in_bytes, 0, NULL, NULL));
    }
    if (out_at)
        DC_TRY(own_memory(queue->device, own_to, out_bytes, to));
    DC_TRY(append(queue, plan));
    if (out_at)
        DC_CL_TRY("clEnqueueCopyBuffer",
                  clEnqueueCopyBuffer(queue->cl, *to, out, 0, out_at, out_bytes, 0, NULL, NULL));
    return DC_OK;
}

static dc_status run_complex(dc_cl_queue *queue, fft_plan *plan, cl_mem in, size_t in_at,
                             cl_mem out, size_t out_at)
{
    const int forward = plan->key.direction == DC_FFT_R2C;
    const int64_t n = plan->key.n, batch = plan->key.batch;
    fft_state *state = queue->device->fft;
    cl_program *program = &state->rows[plan->dtype == DC_F64];

    DC_TRY(own_memory(queue->device, &plan->wide, plan->wide_bytes, &plan->wide_mem));
    DC_TRY(dc__cl_fft_rows(queue, program, plan->dtype, n, batch,
                           forward ? DC_ROWS_WIDEN : DC_ROWS_MIRROR, in, in_at, plan->wide_mem, 0));
    if (n > 1)
        DC_TRY(append(queue, plan));
    return dc__cl_fft_rows(queue, program, plan->dtype, n, batch,
                           forward ? DC_ROWS_HALVE : DC_ROWS_REAL, plan->wide_mem, 0, out, out_at);
}

/* ---- self-check ---------------------------------------------------------------------------- */

static double value_at(const void *values, int32_t dtype, int64_t i)
{
    return dtype == DC_F64 ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

/* The last row of what a plan made of one impulse: sample 1 has every bin on the unit circle and
 * bin 1 below the axis; bin 1 is a cosine of amplitude 2. */
static int is_right(const void *row, int32_t dtype, int64_t n, int forward)
{
    const double loose = dtype == DC_F64 ? 1e-10 : 1e-4;
    double sum = 0;

    if (!forward) {
        for (int64_t i = 0; i < n; ++i)
            sum += value_at(row, dtype, i) * value_at(row, dtype, i);
        return fabs(sum - 2.0 * (double)n) < loose * (double)n &&
               fabs(value_at(row, dtype, 0) - 2) < loose;
    }
    for (int64_t k = 0; k <= n / 2; ++k) {
        const double re = value_at(row, dtype, 2 * k), im = value_at(row, dtype, 2 * k + 1);
        if (!(fabs(re * re + im * im - 1) < loose))
            return 0;
    }
    return fabs(value_at(row, dtype, 0) - 1) < loose && value_at(row, dtype, 3) < 0;
}

/* Zeros but for an impulse in the last row, through the plan and back to `host`. */
static dc_status run_impulse(dc_cl_queue *queue, fft_plan *plan, dc_cl_memory *in,
                             dc_cl_memory *out, void *host, size_t in_bytes, size_t out_bytes)
{
    const int forward = plan->key.direction == DC_FFT_R2C;
    const size_t width = plan->dtype == DC_F64 ? 8 : 4,
                 row = in_bytes / (size_t)plan->key.batch / width;
    const size_t place = row * ((size_t)plan->key.batch - 1) + (forward ? 1 : 2);

    if (plan->dtype == DC_F64)
        ((double *)host)[place] = 1;
    else
        ((float *)host)[place] = 1;
    DC_CL_TRY("clEnqueueWriteBuffer",
              clEnqueueWriteBuffer(queue->cl, in->mem, CL_TRUE, 0, in_bytes, host, 0, NULL, NULL));
    DC_TRY(plan->complex_rows ? run_complex(queue, plan, in->mem, 0, out->mem, 0)
                              : run_real(queue, plan, in->mem, 0, out->mem, 0));
    DC_CL_TRY("clEnqueueReadBuffer",
              clEnqueueReadBuffer(queue->cl, out->mem, CL_TRUE, 0, out_bytes, host, 0, NULL, NULL));
    return DC_OK;
}

/* A new plan's answer to rows whose transform is known: the others stay 0, the last is right. */
static dc_status self_check(dc_cl_queue *queue, fft_plan *plan)
{
    const int forward = plan->key.direction == DC_FFT_R2C;
    const size_t in_bytes = (size_t)(forward ? plan->real_bytes : plan->half_bytes);
    const size_t out_bytes = (size_t)(forward ? plan->half_bytes : plan->real_bytes);
    const size_t row = out_bytes / (size_t)plan->key.batch;
    dc_cl_memory *in = NULL, *out = NULL;
    dc_status status;
    unsigned char *host;
    int right = 1;

    if (plan->key.n < 3 || in_bytes + out_bytes > CHECKED_BYTES)
        return DC_OK;
    host = calloc(1, in_bytes > out_bytes ? in_bytes : out_bytes);
    DC_REQUIRE(host, DC_E_MEMORY, "out of host memory for the check of an FFT plan");
    status = dc__cl_memory_new(queue->device, in_bytes, &in);
    if (!status)
        status = dc__cl_memory_new(queue->device, out_bytes, &out);
    if (!status)
        status = run_impulse(queue, plan, in, out, host, in_bytes, out_bytes);
    for (size_t i = 0; !status && right && i < out_bytes - row; ++i)
        right = host[i] == 0 || host[i] == 0x80; /* 0 or -0 */
    if (!status && right)
        right = is_right(host + out_bytes - row, plan->dtype, plan->key.n, forward);
    (void)clFinish(queue->cl);
    if (in)
        dc__cl_memory_free(queue->device, in);
    if (out)
        dc__cl_memory_free(queue->device, out);
    free(host);
    if (!status && !right)
        status = dc__fail(DC_E_DEVICE, "FFT of length %lld on %s: VkFFT's plan failed its check",
                          (long long)plan->key.n, queue->device->info.id);
    return status;
}

dc_status dc__cl_fft_supports(const dc_cl_device *device, const dc_step *step)
{
    const int64_t n = step->u.fft.n;

    DC_REQUIRE(n >= 1, DC_E_ARGUMENT, "%s: an FFT of length %lld; the least is 1", step->op->name,
               (long long)n);
    DC_REQUIRE(!device->caps.is_cpu || n <= LONGEST_ON_CPU, DC_E_UNSUPPORTED,
               "%s: an FFT of length %lld on %s; an OpenCL device on the CPU takes %d at most",
               step->op->name, (long long)n, device->info.id, LONGEST_ON_CPU);
    return DC_OK;
}

dc_status dc__cl_fft(dc_cl_queue *queue, const dc_step *step, cl_mem in, size_t in_offset_bytes,
                     cl_mem out, size_t out_offset_bytes)
{
    fft_plan *plan = NULL;
    dc_status status;
    int fresh = 0;

    DC_TRY(dc__cl_fft_supports(queue->device, step));
    if (step->u.fft.batch == 0)
        return DC_OK;
    pthread_mutex_lock(&vkfft);
    status = plan_get(queue, step, &plan, &fresh);
    if (!status && fresh) {
        fft_state *state = queue->device->fft;

        status = self_check(queue, plan);
        if (status) { /* it is the first of the list */
            state->plans = plan->next;
            plan_free(queue->device, plan);
        }
    }
    if (!status)
        status = plan->complex_rows
                     ? run_complex(queue, plan, in, in_offset_bytes, out, out_offset_bytes)
                     : run_real(queue, plan, in, in_offset_bytes, out, out_offset_bytes);
    pthread_mutex_unlock(&vkfft);
    return status;
}

void dc__cl_fft_closed(dc_cl_device *device)
{
    fft_state *state = device->fft;

    if (state == NULL)
        return;
    pthread_mutex_lock(&vkfft);
    drop_plans(device, &state->plans, 0);
    pthread_mutex_unlock(&vkfft);
    for (int i = 0; i < 2; ++i)
        if (state->rows[i])
            clReleaseProgram(state->rows[i]);
    free(state);
    device->fft = NULL;
}

#endif
