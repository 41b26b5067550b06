/* What this machine can read and copy past its caches, for bench/peers: compiled as a shared object
 * when the bars are measured.  Threads share the bytes in equal parts. */
#include <emmintrin.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LINE = 64, MOST_THREADS = 64 };

typedef struct part {
    char *dst;
    const char *src;
    size_t bytes;
    uint64_t sum;
} part;

/* Non-temporal stores: a line is written without being read first. */
static void *copy_part(void *argument)
{
    part *p = argument;

    for (size_t at = 0; at + LINE <= p->bytes; at += LINE)
        for (size_t k = 0; k < LINE; k += sizeof(__m128i)) {
            __m128i x;
            memcpy(&x, p->src + at + k, sizeof x);
            _mm_stream_si128((__m128i *)(void *)(p->dst + at + k), x);
        }
    _mm_sfence();
    return NULL;
}

typedef uint64_t wide __attribute__((vector_size(64)));

static void *read_part(void *argument)
{
    part *p = argument;
    wide sum[4] = {{0}};

    for (size_t at = 0; at + sizeof sum <= p->bytes; at += sizeof sum)
        for (size_t k = 0; k < 4; ++k) {
            wide x;
            memcpy(&x, p->src + at + k * sizeof x, sizeof x);
            sum[k] ^= x;
        }
    for (size_t k = 0; k < 4; ++k)
        for (size_t i = 0; i < sizeof(wide) / sizeof(uint64_t); ++i)
            p->sum ^= sum[k][i];
    return NULL;
}

static uint64_t share(void *(*work)(void *), char *dst, const char *src, size_t bytes, int threads)
{
    pthread_t thread[MOST_THREADS];
    part of[MOST_THREADS];
    uint64_t sum = 0;

    if (threads > MOST_THREADS)
        threads = MOST_THREADS;
    for (int k = 0; k < threads; ++k) {
        const size_t first = bytes / LINE * (size_t)k / (size_t)threads * LINE;
        const size_t end = bytes / LINE * (size_t)(k + 1) / (size_t)threads * LINE;

        of[k] = (part){dst ? dst + first : NULL, src + first, end - first, 0};
        if (k + 1 == threads || pthread_create(&thread[k], NULL, work, &of[k]) != 0) {
            work(&of[k]);
            thread[k] = pthread_self();
        }
    }
    for (int k = 0; k < threads; ++k) {
        if (!pthread_equal(thread[k], pthread_self()))
            pthread_join(thread[k], NULL);
        sum ^= of[k].sum;
    }
    return sum;
}

/* dst: aligned to 16 bytes. */
void stream_copy(char *dst, const char *src, size_t bytes, int threads);
void stream_copy(char *dst, const char *src, size_t bytes, int threads)
{
    share(copy_part, dst, src, bytes, threads);
}

uint64_t stream_read(const char *src, size_t bytes, int threads);
uint64_t stream_read(const char *src, size_t bytes, int threads)
{
    return share(read_part, NULL, src, bytes, threads);
}
