/* Tables of transforms that were made before, for the life of the process: angles cost more than a
 * short transform.  A part of host/spectral.c.
 *
 * Some lengths and bytes at most; what is not kept is made anew.  A lock that is held (by another
 * thread, or by one that a fork has left behind) is not waited for. */
#include <pthread.h>
#include <stdlib.h>

enum { KEPT_LENGTHS = 64, KEPT_BYTES = 1 << 24 };

typedef struct kept_transform {
    int64_t nfft, values, wholes;
    double *value;  /* from at_twiddle on */
    int32_t *whole; /* places */
} kept_transform;

static struct {
    pthread_mutex_t lock;
    kept_transform at[KEPT_LENGTHS];
    int count;
    size_t bytes;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* 1: they were there. */
static int take_kept(const dc_spectral_args *a, tables *t)
{
    int found = 0;

    if (pthread_mutex_trylock(&kept.lock))
        return 0;
    for (int i = 0; i < kept.count && !found; ++i) {
        const kept_transform *const k = &kept.at[i];

        found = k->nfft == a->nfft;
        if (found) {
            memcpy(t->value + a->at_twiddle, k->value, (size_t)k->values * sizeof *k->value);
            memcpy(t->whole, k->whole, (size_t)k->wholes * sizeof *k->whole);
        }
    }
    pthread_mutex_unlock(&kept.lock);
    return found;
}

/* Under the lock.  What there is no memory for is not kept. */
static void add_kept(const dc_spectral_args *a, const tables *t)
{
    kept_transform k = {a->nfft, t->values - a->at_twiddle, a->at_list, NULL, NULL};
    const size_t bytes = (size_t)k.values * sizeof *k.value, places = (size_t)k.wholes * 4;

    if (kept.count == KEPT_LENGTHS || kept.bytes + bytes + places > KEPT_BYTES)
        return;
    for (int i = 0; i < kept.count; ++i)
        if (kept.at[i].nfft == a->nfft)
            return;
    k.value = malloc(bytes);
    k.whole = malloc(places + 1);
    if (!k.value || !k.whole) {
        free(k.value);
        free(k.whole);
        return;
    }
    memcpy(k.value, t->value + a->at_twiddle, bytes);
    memcpy(k.whole, t->whole, places);
    kept.at[kept.count++] = k;
    kept.bytes += bytes + places;
}

static void keep_transform(const dc_spectral_args *a, const tables *t)
{
    if (pthread_mutex_trylock(&kept.lock))
        return;
    add_kept(a, t);
    pthread_mutex_unlock(&kept.lock);
}
