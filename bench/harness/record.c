/* The record as JSON lines. */
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "bench/harness/bench.h"

static const char *const isas[DC_ISA_COUNT] = {"baseline", "avx2", "avx512"};

static void put_text(FILE *file, const char *name, const char *text)
{
    fprintf(file, "\"%s\": \"", name);
    for (; *text; ++text) {
        if (*text == '"' || *text == '\\')
            fputc('\\', file);
        if ((unsigned char)*text >= ' ')
            fputc(*text, file);
    }
    fputs("\", ", file);
}

static void put_now(FILE *file)
{
    const time_t now = time(NULL);
    struct tm tm;
    char text[32] = "";

    if (gmtime_r(&now, &tm))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    put_text(file, "time", text);
}

static void put_floor(FILE *file, const dcb_floor *f)
{
    fprintf(file,
            "{\"threads\": %d, \"bytes\": %lld, \"read_bytes_per_second\": %.5g, "
            "\"copy_bytes_per_second\": %.5g",
            (int)f->threads, (long long)f->bytes, f->read_bytes, f->copy_bytes);
    for (int32_t isa = 0; isa < DC_ISA_COUNT; ++isa)
        if (f->fma[isa][0] > 0)
            fprintf(file, ", \"fma_%s_f32_per_second\": %.5g, \"fma_%s_f64_per_second\": %.5g",
                    isas[isa], f->fma[isa][0], isas[isa], f->fma[isa][1]);
    fputc('}', file);
}

void dcb_write_machine(const dcb_machine *machine, FILE *file)
{
    const dc_topology *t = &machine->topology;
    struct utsname system;

    fputs("{\"record\": \"machine\", ", file);
    put_now(file);
    put_text(file, "library", dc_version());
#ifdef __VERSION__
    put_text(file, "compiler", __VERSION__);
#endif
    if (!uname(&system)) {
        put_text(file, "system", system.sysname);
        put_text(file, "kernel", system.release);
    }
    put_text(file, "cpu", t->cpu_name);
    put_text(file, "isas", t->isas);
    fprintf(file,
            "\"cores\": %d, \"logical_cpus\": %d, \"threads\": %d, \"l1d_bytes\": %lld, "
            "\"l2_bytes\": %lld, \"l3_bytes\": %lld, \"l3_instances\": %d, \"memory_bytes\": %lld, "
            "\"floors\": [",
            (int)t->cores, (int)t->logical_cpus, (int)t->threads, (long long)t->l1d_bytes,
            (long long)t->l2_bytes, (long long)t->l3_bytes, (int)t->l3_instances,
            (long long)t->memory_bytes);
    for (int32_t k = 0; k < machine->floors; ++k) {
        fputs(k ? ", " : "", file);
        put_floor(file, &machine->floor[k]);
    }
    fputs("]}\n", file);
}

void dcb_write_record(const dcb_record *r, FILE *file)
{
    const double values = (double)r->c.rows * (double)r->c.columns, time = r->time.median;

    fputs("{\"record\": \"bench\", ", file);
    put_text(file, "library", dc_version());
    put_text(file, "operation", r->c.op.name);
    put_text(file, "dtype", r->c.dtype == DC_F32 ? "float32" : "float64");
    put_text(file, "device", r->device);
    put_text(file, "device_name", r->name);
    put_text(file, "driver", r->driver);
    put_text(file, "isa", r->isa);
    put_text(file, "memory", r->resident ? "device" : "host");
    put_text(file, "floor", r->floor);
    fprintf(file,
            "\"threads\": %d, \"rows\": %lld, \"columns\": %lld, \"window\": %lld, "
            "\"missing_percent\": %g, \"runs\": %d, \"seconds\": %.6g, \"seconds_low\": %.6g, "
            "\"seconds_high\": %.6g, \"bytes\": %.0f, \"flops\": %.6g, "
            "\"ns_per_value\": %.5g, \"bytes_per_second\": %.5g, \"floor_seconds\": %.6g, "
            "\"fraction_of_floor\": %.4g}\n",
            (int)r->threads, (long long)r->c.rows, (long long)r->c.columns, (long long)r->c.window,
            r->c.missing, (int)r->time.runs, time, r->time.low, r->time.high, r->bytes, r->flops,
            values > 0 ? 1e9 * time / values : 0, time > 0 ? r->bytes / time : 0, r->floor_seconds,
            time > 0 ? r->floor_seconds / time : 0);
}
