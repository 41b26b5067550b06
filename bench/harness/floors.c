/* The machine's own limits: reading, copying, multiply-adds. */
#include <stdlib.h>
#include <string.h>

#include "bench/harness/bench.h"

enum { SAMPLES = 7 };

typedef uint64_t wide __attribute__((vector_size(64)));

typedef struct job {
    char *dst;
    const char *src;
    size_t bytes;
    int32_t times, isa, dtype;
    int64_t rounds;
    double done; /* operations of one thread */
} job;

/* The thread's part, in whole cache lines. */
static void part(const job *j, int32_t thread, int32_t threads, size_t *first, size_t *count)
{
    const size_t lines = (j->bytes + 63) / 64;
    const size_t begin = lines * (size_t)thread / (size_t)threads * 64;
    size_t end = lines * (size_t)(thread + 1) / (size_t)threads * 64;

    end = end < j->bytes ? end : j->bytes;
    *first = begin;
    *count = end > begin ? end - begin : 0;
}

static void copy_part(int32_t thread, int32_t threads, void *user)
{
    const job *j = user;
    size_t first, count;

    part(j, thread, threads, &first, &count);
    for (int32_t k = 0; k < j->times; ++k) {
        memcpy(j->dst + first, j->src + first, count);
        __asm__ volatile("" ::: "memory"); /* every copy is made */
    }
}

static void read_part(int32_t thread, int32_t threads, void *user)
{
    const job *j = user;
    size_t first, count;
    wide sum[4] = {{0}};

    part(j, thread, threads, &first, &count);
    for (int32_t k = 0; k < j->times; ++k) {
        const wide *p = (const wide *)(const void *)(j->src + first);

        for (size_t i = 0; i + 4 <= count / sizeof *p; i += 4)
            for (size_t u = 0; u < 4; ++u)
                sum[u] ^= p[i + u];
        __asm__ volatile("" ::"m"(sum) : "memory");
    }
}

static void burst_part(int32_t thread, int32_t threads, void *user)
{
    const job *j = user;
    const double done = dcb_fma_burst(j->isa, j->dtype, j->rounds);

    (void)threads;
    if (thread == 0)
        ((job *)user)->done = done;
}

double dcb_copy_time(dcb_team *team, void *dst, const void *src, size_t bytes, int32_t times)
{
    job j = {.dst = dst, .src = src, .bytes = bytes, .times = times};

    return dcb_team_time(team, copy_part, &j) / times;
}

/* The best of the samples: a floor is what the machine reaches when nothing else runs. */
static double best_rate(dcb_team *team, dcb_work work, job *j, double amount, double seconds)
{
    double best = 0;
    const double stop = dcb_now() + seconds;

    for (int k = 0; k < SAMPLES || dcb_now() < stop; ++k) {
        const double time = dcb_team_time(team, work, j);
        const double rate = (amount > 0 ? amount : j->done) / time;

        best = rate > best ? rate : best;
        if (k > 100)
            break;
    }
    return best;
}

static void measure_fma(dcb_team *team, int32_t isa, double seconds, dcb_floor *out)
{
    for (int32_t i = 0; i <= isa; ++i)
        for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype) {
            job j = {.isa = i, .dtype = dtype, .rounds = 100000};

            out->fma[i][dtype - DC_F32] =
                out->threads * best_rate(team, burst_part, &j, 0, seconds);
        }
}

int dcb_floor_measure(int32_t threads, int32_t isa, double seconds, dcb_floor *out)
{
    dc_topology t = {.struct_size = sizeof t};
    dcb_team *team = dcb_team_new(threads);
    job j = {.times = 1};
    void *src = NULL, *dst = NULL;
    int64_t bytes = 64 << 20;

    memset(out, 0, sizeof *out);
    out->threads = threads;
    if (dc_topology_get(&t) == DC_OK && 3 * t.l3_bytes * t.l3_instances > bytes)
        bytes = 3 * t.l3_bytes * t.l3_instances;
    while (t.memory_bytes > 0 && bytes > t.memory_bytes / 16)
        bytes /= 2;
    out->bytes = bytes;
    if (!team || posix_memalign(&src, 4096, (size_t)bytes) ||
        posix_memalign(&dst, 4096, (size_t)bytes)) {
        dcb_team_free(team);
        free(src);
        free(dst);
        return -1;
    }
    memset(src, 1, (size_t)bytes);
    memset(dst, 2, (size_t)bytes);
    j.src = src;
    j.dst = dst;
    j.bytes = (size_t)bytes;
    out->read_bytes = best_rate(team, read_part, &j, (double)bytes, seconds);
    out->copy_bytes = best_rate(team, copy_part, &j, 2.0 * (double)bytes, seconds);
    measure_fma(team, isa, seconds / 4, out);
    dcb_team_free(team);
    free(src);
    free(dst);
    return 0;
}
