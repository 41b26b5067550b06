/* FFT steps: batched real transforms of any length, in the step's dtype.
 *
 * Class NORMWISE.  Every row is computed on its own by the stages of cpu_fallback/runtime/
 * fft_stages.h, so rows never influence each other; a row's bits depend on the instruction set, not
 * on the batch or the threads.  The last plans are kept in the queue.
 */
#include "cpu_fallback/runtime/fft_stages.h"
#include "cpu_fallback/runtime/runtime.h"
#include "host/core/cpu.h"

#ifdef DC_HAVE_OPENMP
#include <omp.h>
#endif

/* A team is worth starting from about this much work per thread. */
enum { NS_PER_THREAD = 50000 };

#ifdef DC_HAVE_AVX2
#define FFT_AVX2(sfx) dc__fft_##sfx##_avx2
#else
#define FFT_AVX2(sfx) dc__fft_##sfx##_baseline
#endif
#ifdef DC_HAVE_AVX512
#define FFT_AVX512(sfx) dc__fft_##sfx##_avx512
#else
#define FFT_AVX512(sfx) FFT_AVX2(sfx)
#endif
/* The tables that the objects of fft_lanes.c export. */
extern const dc_fft_lanes dc__fft_f32_baseline, FFT_AVX2(f32), FFT_AVX512(f32);
extern const dc_fft_lanes dc__fft_f64_baseline, FFT_AVX2(f64), FFT_AVX512(f64);

static const dc_fft_lanes *const stages[DC_ISA_AVX512 + 1][2] = {
    [DC_ISA_BASELINE] = {&dc__fft_f32_baseline, &dc__fft_f64_baseline},
    [DC_ISA_AVX2] = {&FFT_AVX2(f32), &FFT_AVX2(f64)},
    [DC_ISA_AVX512] = {&FFT_AVX512(f32), &FFT_AVX512(f64)}};

void dc__cpu_fft_forget(dc_cpu_queue *queue)
{
    for (int i = 0; i < DC_CPU_FFTS; ++i) {
        dc__fft_plan_free(queue->fft[i]);
        queue->fft[i] = NULL;
    }
}

/* The plan of a step, an older one given up for it; NULL: no memory. */
static const dc_fft_plan *plan_of(dc_cpu_queue *queue, const dc_step *step)
{
    const dc_fft_step *const fft = &step->u.fft;
    dc_fft_plan *plan;

    for (int i = 0; i < DC_CPU_FFTS; ++i) {
        plan = queue->fft[i];
        if (plan && plan->n == fft->n && plan->dtype == step->dtype &&
            plan->direction == fft->direction)
            return plan;
    }
    plan = dc__fft_plan_new(fft->n, step->dtype, fft->direction, stages[queue->isa]);
    if (plan) {
        dc__fft_plan_free(queue->fft[queue->fft_next]);
        queue->fft[queue->fft_next] = plan;
        queue->fft_next = (queue->fft_next + 1) % DC_CPU_FFTS;
    }
    return plan;
}

/* A step being run.  Scratch of a thread: a column, then work. */
typedef struct running {
    dc_cpu_queue *queue;
    const dc_fft_plan *plan;
    const dc_fft_lanes *stages;
    const char *in;
    char *out;
    int64_t in_bytes, out_bytes; /* from row to row */
    int64_t column_bytes;
    int32_t team;
} running;

static void *column_of(const running *r, int thread)
{
    return r->queue->scratch[thread].memory;
}

static dc_fft_row row_of(const running *r, int64_t row, int thread)
{
    return (dc_fft_row){r->plan, r->in + row * r->in_bytes, r->out + row * r->out_bytes,
                        (char *)column_of(r, thread) + r->column_bytes};
}

enum { COLUMNS, ROWS, BACK, UNPACK, STAGES };

/* Parts of a stage; 0: a row has no such stage. */
static int64_t parts_of(const dc_fft_plan *plan, int stage)
{
    switch (stage) {
    case COLUMNS:
        return plan->groups;
    case ROWS:
        return plan->blocks;
    case BACK:
        return plan->chirped ? plan->groups : 0;
    default:
        return plan->even && plan->direction == DC_FFT_R2C ? dc__fft_unpacks(plan) : 0;
    }
}

static void run_parts(const running *r, const dc_fft_row *row, int stage, int64_t from, int64_t to,
                      int thread)
{
    switch (stage) {
    case COLUMNS:
        r->stages->columns(row, from, to, column_of(r, thread));
        break;
    case ROWS:
        r->stages->rows(row, from, to);
        break;
    case BACK:
        r->stages->back(row, from, to, column_of(r, thread));
        break;
    default:
        r->stages->unpack(row, from, to);
    }
}

static void run_row(const running *r, int64_t number, int thread)
{
    const dc_fft_row row = row_of(r, number, thread);

    for (int stage = 0; stage < STAGES; ++stage)
        if (parts_of(r->plan, stage))
            run_parts(r, &row, stage, 0, parts_of(r->plan, stage), thread);
}

#ifdef DC_HAVE_OPENMP
/* Threads take whole rows. */
static void share_rows(const running *r, int64_t batch)
{
#pragma omp parallel for num_threads(r->team) schedule(dynamic)
    for (int64_t i = 0; i < batch; ++i)
        run_row(r, i, omp_get_thread_num());
}

/* Threads share each stage of each row. */
static void share_stages(const running *r, int64_t batch)
{
    for (int64_t i = 0; i < batch; ++i) {
        const dc_fft_row row = row_of(r, i, 0);

        for (int stage = 0; stage < STAGES; ++stage) {
            const int64_t parts = parts_of(r->plan, stage);

            if (!parts)
                continue;
#pragma omp parallel num_threads(r->team)
            {
                const int64_t n = omp_get_num_threads(), t = omp_get_thread_num();

                run_parts(r, &row, stage, parts * t / n, parts * (t + 1) / n, (int)t);
            }
        }
    }
}
#endif

/* Threads that are worth starting, at about 2 ns for each number. */
static int32_t team_of(const dc_cpu_queue *queue, const dc_fft_step *fft)
{
#ifdef DC_HAVE_OPENMP
    const double most = 2.0 * (double)fft->n * (double)fft->batch / NS_PER_THREAD;

    if (dc__context_forked(queue->context) || most < 2)
        return 1;
    return most < queue->threads ? (int32_t)most : queue->threads;
#else
    (void)queue;
    (void)fft;
    return 1;
#endif
}

dc_status dc__cpu_fft(dc_cpu_queue *queue, const dc_step *step, const void *in, void *out)
{
    const int64_t n = step->u.fft.n, batch = step->u.fft.batch;
    const int64_t width = (int64_t)dc_dtype_bytes(step->dtype);
    const int64_t real = n * width, half = 2 * (n / 2 + 1) * width;
    const int forth = step->u.fft.direction == DC_FFT_R2C;
    running r = {queue,
                 NULL,
                 stages[queue->isa][step->dtype == DC_F64],
                 in,
                 out,
                 forth ? real : half,
                 forth ? half : real,
                 0,
                 team_of(queue, &step->u.fft)};

    DC_REQUIRE(n >= 1 && n <= INT64_C(1) << 40, DC_E_UNSUPPORTED, "%s: an FFT of length %lld",
               step->op->name, (long long)n);
    r.plan = plan_of(queue, step);
    DC_REQUIRE(r.plan, DC_E_MEMORY, "%s: no memory for an FFT of length %lld", step->op->name,
               (long long)n);
    r.column_bytes = dc__fft_column_bytes(r.plan);
    DC_TRY(dc__cpu_scratch(queue, r.team, (size_t)(r.column_bytes + dc__fft_work_bytes(r.plan))));
#ifdef DC_HAVE_OPENMP
    if (r.team > 1 && batch >= r.team) {
        share_rows(&r, batch);
        return DC_OK;
    }
    if (r.team > 1) {
        share_stages(&r, batch);
        return DC_OK;
    }
#endif
    for (int64_t i = 0; i < batch; ++i)
        run_row(&r, i, 0);
    return DC_OK;
}
