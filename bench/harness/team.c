/* Clock, medians, threads that wait for work. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/harness/bench.h"

double dcb_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

dcb_time dcb_time_of(double *samples, int32_t n)
{
    dcb_time t = {0, 0, 0, n};

    if (n < 1)
        return t;
    qsort(samples, (size_t)n, sizeof *samples, by_value);
    t.median = n % 2 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
    t.low = samples[n / 4];
    t.high = samples[n - 1 - n / 4];
    return t;
}

struct dcb_team {
    int32_t threads;
    int stop;
    pthread_barrier_t begin, end;
    dcb_work work;
    void *user;
    struct seat {
        dcb_team *team;
        int32_t number;
        pthread_t thread;
    } seat[]; /* of the threads after the caller's */
};

static void *sit(void *user)
{
    struct seat *seat = user;
    dcb_team *team = seat->team;

    for (;;) {
        pthread_barrier_wait(&team->begin);
        if (team->stop)
            return NULL;
        team->work(seat->number, team->threads, team->user);
        pthread_barrier_wait(&team->end);
    }
}

dcb_team *dcb_team_new(int32_t threads)
{
    dcb_team *team = calloc(1, sizeof *team + (size_t)threads * sizeof *team->seat);

    if (!team)
        return NULL;
    team->threads = threads;
    pthread_barrier_init(&team->begin, NULL, (unsigned)threads);
    pthread_barrier_init(&team->end, NULL, (unsigned)threads);
    for (int32_t k = 1; k < threads; ++k) {
        team->seat[k].team = team;
        team->seat[k].number = k;
        if (pthread_create(&team->seat[k].thread, NULL, sit, &team->seat[k])) {
            /* Those that sit already wait at a barrier that will never be full. */
            for (int32_t i = 1; i < k; ++i) {
                pthread_cancel(team->seat[i].thread);
                pthread_join(team->seat[i].thread, NULL);
            }
            free(team);
            return NULL;
        }
    }
    return team;
}

void dcb_team_free(dcb_team *team)
{
    if (!team)
        return;
    team->stop = 1;
    if (team->threads > 1)
        pthread_barrier_wait(&team->begin);
    for (int32_t k = 1; k < team->threads; ++k)
        pthread_join(team->seat[k].thread, NULL);
    pthread_barrier_destroy(&team->begin);
    pthread_barrier_destroy(&team->end);
    free(team);
}

double dcb_team_time(dcb_team *team, dcb_work work, void *user)
{
    double begin;

    team->work = work;
    team->user = user;
    if (team->threads > 1)
        pthread_barrier_wait(&team->begin);
    begin = dcb_now();
    work(0, team->threads, user);
    if (team->threads > 1)
        pthread_barrier_wait(&team->end);
    return dcb_now() - begin;
}
