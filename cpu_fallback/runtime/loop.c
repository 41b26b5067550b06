/* The thread loop: tiles of one step, in any order, on any thread. */
#include <string.h>

#include "cpu_fallback/runtime/runtime.h"

#ifdef DC_HAVE_OPENMP
#include <omp.h>
#endif

/* A team is worth starting from about this much work per thread. */
enum { NS_PER_THREAD = 50000, REPORT_US = 50000 };

/* Round to nearest, denormals kept, no traps: what the contract needs whatever the caller set. */
static unsigned int float_mode_enter(void)
{
#if defined(__SSE2__)
    const unsigned int mode = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(0x1f80u);
    return mode;
#elif defined(__aarch64__)
    unsigned long mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" ::"r"(0ul));
    return (unsigned int)mode;
#else
    return 0;
#endif
}

static void float_mode_leave(unsigned int mode)
{
#if defined(__SSE2__)
    __builtin_ia32_ldmxcsr(mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" ::"r"((unsigned long)mode));
#else
    (void)mode;
#endif
}

typedef struct shared_loop {
    const dc_cpu_loop *loop;
    dc_cpu_queue *queue;
    int64_t next; /* atomic: first tile nobody has taken */
    int cancel;   /* atomic */
    double reported_us;
} shared_loop;

/* The calling thread reports, at most some 20 times a second. */
static void report(shared_loop *shared, int64_t tile)
{
    const dc_cpu_loop *loop = shared->loop;
    const double now = dc__trace_now();
    const int64_t tiles = loop->tiling->tiles;

    if (now - shared->reported_us < REPORT_US && tile + 1 < tiles)
        return;
    shared->reported_us = now;
    if (loop->progress(loop->done + loop->units * (tile + 1) / tiles, loop->total,
                       loop->progress_user) != 0)
        __atomic_store_n(&shared->cancel, 1, __ATOMIC_RELAXED);
}

static void run_tiles(shared_loop *shared, int thread)
{
    const dc_cpu_loop *loop = shared->loop;
    const unsigned int mode = float_mode_enter();

    while (!__atomic_load_n(&shared->cancel, __ATOMIC_RELAXED)) {
        const int64_t tile = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
        if (tile >= loop->tiling->tiles)
            break;
        loop->mirror->run(loop->operand, loop->args, loop->tiling, tile,
                          shared->queue->scratch[thread].memory);
        if (thread == 0 && loop->progress)
            report(shared, tile);
    }
    float_mode_leave(mode);
}

dc_status dc__cpu_scratch(dc_cpu_queue *queue, int32_t threads, size_t bytes)
{
    for (int32_t i = 0; i < threads; ++i) {
        dc_cpu_scratch *scratch = &queue->scratch[i];

        if (scratch->bytes >= bytes)
            continue;
        dc_host_free(queue->context, scratch->memory);
        scratch->bytes = 0;
        scratch->memory = NULL;
        DC_TRY(dc_host_alloc(queue->context, bytes, &scratch->memory));
        scratch->bytes = bytes;
    }
    return DC_OK;
}

static int32_t team_size(const dc_cpu_queue *queue, const dc_tiling *tiling)
{
    int64_t n = queue->threads;

    if (tiling->work > 0 && n > tiling->work / NS_PER_THREAD)
        n = tiling->work / NS_PER_THREAD;
    if (n > tiling->tiles)
        n = tiling->tiles;
    return n <= 1 || dc__context_forked(queue->context) ? 1 : (int32_t)n;
}

dc_status dc__cpu_loop(dc_cpu_queue *queue, dc_cpu_loop *loop)
{
    shared_loop shared = {loop, queue, 0, 0, loop->progress ? dc__trace_now() : 0};

    loop->threads = team_size(queue, loop->tiling);
    DC_TRY(dc__cpu_scratch(queue, loop->threads, (size_t)loop->tiling->scratch_bytes));
#ifdef DC_HAVE_OPENMP
    if (loop->threads > 1) {
#pragma omp parallel num_threads(loop->threads)
        run_tiles(&shared, omp_get_thread_num());
    } else
#endif
    {
        loop->threads = 1;
        run_tiles(&shared, 0);
    }
    DC_REQUIRE(!shared.cancel, DC_E_CANCELLED, "cancelled by the progress callback");
    return DC_OK;
}
