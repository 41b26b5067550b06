#include "tools/dualcube/spectral.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/dualcube/params.h"
#include "tools/dualcube/ui.h"

enum { OUTPUT = CLI_FIRST_ID, AXIS, WINDOW, DETREND, SCALING, BANDS, FEATURES, MEMORY, JSON };

static const spectral_verb verbs[] = {
    {"rfft", "spectral_rfft", SPECTRAL_PARTS, 0, 0, "spectrum"},
    {"periodogram", "spectral_periodogram", SPECTRAL_BINS, 0, 0, "power"},
    {"welch", "spectral_welch", SPECTRAL_BINS, 2, 256, "power, mean over windows"},
    {"spectrogram", "spectral_spectrogram", SPECTRAL_TIMES, 8, 256, "power of windows"},
    {"stft", "spectral_stft", SPECTRAL_SPECTRA, 2, 256, "spectra of windows"},
    {"bands", "spectral_bands", SPECTRAL_FRAMES, 0, 256, "power of bands"},
    {"rolling-bands", "spectral_rolling_bands", SPECTRAL_ROWS, 0, 0, "power of bands, row by row"},
    {"features", "spectral_features", SPECTRAL_FRAMES, 0, 256, "shape of the spectrum"},
    {"acf", "spectral_acf", SPECTRAL_LAGS, 0, 0, "autocorrelation"},
    {"find-period", "spectral_find_period", SPECTRAL_PERIOD, 0, 0, "dominant period"},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

/* In the order of their codes. */
static const char windows[] =
    "boxcar hann hamming blackman blackmanharris flattop kaiser tukey gaussian";
static const char detrends[] = "none constant linear";
static const char scalings[] = "density spectrum none";
static const char features[] =
    "total centroid bandwidth skewness kurtosis rolloff flatness entropy "
    "crest slope peak_frequency peak_power";

static const cli_option fixed[] = {
    {"output", 'o', "PATH", "the .npy file to write (required)", OUTPUT},
    {"axis", 0, "N", "axis of the series; -1 is the last (default 0: rows are time)", AXIS},
    {"window", 0, "WORD",
     "boxcar, hann, hamming, blackman, blackmanharris, flattop; kaiser,BETA; tukey,SHARE; "
     "gaussian,SAMPLES (default: hann; boxcar for rfft, periodogram, bands, rolling-bands; "
     "tukey,0.25 for spectrogram)",
     WINDOW},
    {"detrend", 0, "WORD",
     "what is taken from a window: none, constant or linear (default: constant; rfft, stft: none; "
     "find-period: linear)",
     DETREND},
    {"scaling", 0, "WORD",
     "density, spectrum or none (default: density; stft: spectrum; bands, rolling-bands, features: "
     "none)",
     SCALING},
    {"bands", 0, "LIST",
     "bands, rolling-bands: frequencies such as 0:0.1,0.1:0.5 (default: 0, 0.1, 0.3 and 1 times "
     "half of fs)",
     BANDS},
    {"features", 0, "LIST", "features: some of those above (default: all)", FEATURES},
    SESSION_OPTIONS,
    {"memory", 0, "SIZE", "bytes of input and output worked on at a time (default 256M)", MEMORY},
    {"json", 0, NULL, "print the facts as JSON instead of text", JSON},
    {NULL, 0, NULL, NULL, 0},
};

/* Set by words above, or of no use here. */
static const char *const skipped[] = {"axis",     "window", "window_param", "detrend", "scaling",
                                      "features", "padded", "normalize",    NULL};

static const char about[] =
    "Spectra of the series of a .npy file, along --axis.  WORD is one of\n\n"
    "  rfft           spectrum of the whole series; a last axis: real part, imaginary part\n"
    "  periodogram    power of the whole series\n"
    "  welch          power, mean or median over windows\n"
    "  spectrogram    power of windows; a last axis: windows\n"
    "  stft           spectra of windows; last axes: windows; real part, imaginary part\n"
    "  bands          power of --bands window for window; a last axis: bands\n"
    "  rolling-bands  power of --bands in the window that ends at each row; a last axis: bands\n"
    "  features       total, centroid, bandwidth, skewness, kurtosis, rolloff, flatness, entropy,\n"
    "                 crest, slope, peak_frequency, peak_power window for window; a last axis\n"
    "  acf            autocorrelation\n"
    "  find-period    period (0: none), autocorrelation at it, its share of the power\n\n"
    "On --axis then lie bins (bin k is frequency k fs / nfft), windows, rows or lags.  float32 "
    "and\n"
    "float64 are computed as they are, integers become float64.  Files may be larger than memory.";

static const char example[] =
    "  dualcube spectral welch table.npy --fs 100 --nperseg 256 -o power.npy\n"
    "  dualcube spectral rolling-bands table.npy --nperseg 64 --heads short -o bands.npy";

typedef struct request {
    spectral_job *job;
    cli_option options[CLI_OPTION_ROOM + 1];
    params_options described;
    dc_op_info any; /* whose parameters are the options */
} request;

/* ---- what was asked for -------------------------------------------------------------------- */

static int find_verb(spectral_job *job, const char *word)
{
    for (int k = 0; k < VERBS; ++k)
        if (!strcmp(word, verbs[k].name)) {
            job->verb = &verbs[k];
            job->op.struct_size = sizeof job->op;
            return dc_op_find(verbs[k].op, &job->op) == DC_OK ? 0
                                                              : cli_fail_status(DC_E_UNSUPPORTED);
        }
    return cli_fail(CLI_USAGE, "there is no spectrum \"%s\"; see dualcube spectral --help", word);
}

static int take_operand(spectral_job *job, const char *value)
{
    if (!job->verb)
        return find_verb(job, value);
    if (job->input)
        return cli_fail(CLI_USAGE, "one input at a time: \"%s\" and \"%s\"", job->input, value);
    job->input = value;
    return 0;
}

/* Place of a word of `length` among blank-separated ones, -1 when it is none of them. */
static int32_t place_of(const char *word, size_t length, const char *known)
{
    for (int32_t place = 0; *known; ++place) {
        const size_t n = strcspn(known, " ");

        if (n == length && !memcmp(known, word, n))
            return place;
        known += n + (known[n] == ' ');
    }
    return -1;
}

static int take_word(const cli_parser *p, const char *known, int32_t *out)
{
    *out = place_of(p->value, strlen(p->value), known);
    if (*out >= 0)
        return 0;
    return cli_fail(CLI_USAGE, "%s is \"%s\", expected one of: %s", p->name, p->value, known);
}

/* "hann" or "kaiser,14" */
static int take_window(spectral_job *job, const cli_parser *p)
{
    const char *comma = strchr(p->value, ',');
    cli_parser rest = *p;

    job->p.window = place_of(p->value, strcspn(p->value, ","), windows);
    if (job->p.window < 0)
        return cli_fail(CLI_USAGE, "%s is \"%s\", expected one of: %s", p->name, p->value, windows);
    if (!comma)
        return 0;
    if (job->p.window < DC_WINDOW_KAISER)
        return cli_fail(CLI_USAGE, "%s is \"%s\", but this window has no parameter", p->name,
                        p->value);
    rest.value = comma + 1;
    return cli_double(&rest, 0, INFINITY, &job->p.window_param);
}

/* "0:0.1" to two numbers */
static int take_band(const cli_parser *p, char *word, double *band)
{
    cli_parser one = *p;
    char *colon = strchr(word, ':');
    int code;

    if (!colon)
        return cli_fail(CLI_USAGE, "%s has \"%s\", expected two frequencies such as 0.1:0.5",
                        p->name, word);
    *colon = 0;
    one.value = word;
    code = cli_double(&one, 0, INFINITY, &band[0]);
    one.value = colon + 1;
    return code ? code : cli_double(&one, band[0], INFINITY, &band[1]);
}

static int take_bands(spectral_job *job, const cli_parser *p)
{
    char *copy, *words[SPECTRAL_LIST];
    const int n = cli_words(p->value, &copy, words, SPECTRAL_LIST);
    int code = 0;

    if (n <= 0)
        code = cli_fail(CLI_USAGE, "%s is \"%s\", expected 1 to %d bands such as 0:0.1,0.1:0.5",
                        p->name, p->value, SPECTRAL_LIST);
    for (int k = 0; k < n && !code; ++k)
        code = take_band(p, words[k], &job->bands[2 * k]);
    job->p.bands = (dc_doubles){job->bands, 2 * n};
    free(copy);
    return code;
}

static int take_features(spectral_job *job, const cli_parser *p)
{
    char *copy, *words[DC_MAX_NDIM * 4];
    const int n = cli_words(p->value, &copy, words, DC_MAX_NDIM * 4);
    int code = 0;

    job->p.features = 0;
    for (int k = 0; k < n && !code; ++k) {
        const int32_t bit = place_of(words[k], strlen(words[k]), features);

        if (bit < 0)
            code = cli_fail(CLI_USAGE, "%s has \"%s\", expected some of: %s", p->name, words[k],
                            features);
        else
            job->p.features |= 1 << bit;
    }
    if (!code && !job->p.features)
        code =
            cli_fail(CLI_USAGE, "%s is \"%s\", expected some of: %s", p->name, p->value, features);
    free(copy);
    return code;
}

static int take_option(request *r, int id, const cli_parser *p)
{
    spectral_job *job = r->job;

    if (id >= PARAMS_FIRST_ID)
        return params_set(&r->any, &job->p, id, p);
    if (id >= SESSION_DEVICE)
        return session_take(&job->where, id, p);
    switch (id) {
    case OUTPUT:
        job->output = p->value;
        return 0;
    case AXIS:
        return cli_int(p, -DC_MAX_NDIM, DC_MAX_NDIM - 1, &job->axis);
    case WINDOW:
        return take_window(job, p);
    case DETREND:
        return take_word(p, detrends, &job->p.detrend);
    case SCALING:
        return take_word(p, scalings, &job->p.scaling);
    case BANDS:
        return take_bands(job, p);
    case FEATURES:
        return take_features(job, p);
    case MEMORY:
        return cli_bytes(p, 1, &job->memory);
    case JSON:
        job->print_json = 1;
        return 0;
    default:
        return take_operand(job, p->value);
    }
}

/* What is missing, and bands by default. */
static int complete(spectral_job *job)
{
    static const double share[] = {0, 0.1, 0.1, 0.3, 0.3, 1};

    if (!job->verb || !job->input || !job->output)
        return cli_fail(CLI_USAGE, "%s is missing; see dualcube spectral --help",
                        !job->verb    ? "the word"
                        : !job->input ? "the input"
                                      : "--output");
    if (job->verb->form == SPECTRAL_ROWS && job->p.nperseg == DC_DEFAULT)
        return cli_fail(CLI_USAGE, "--nperseg is missing: the rows of a window");
    job->p.kind = job->op.kind;
    if (job->p.bands.count == 0) {
        for (size_t k = 0; k < sizeof share / sizeof *share; ++k)
            job->bands[k] = share[k] * (job->p.fs / 2);
        job->p.bands = (dc_doubles){job->bands, sizeof share / sizeof *share};
    }
    return 0;
}

/* 0, or an exit code + 1000 when the run ends here. */
static int parse(request *r, int argc, char **argv)
{
    const cli_usage usage = {"spectral WORD INPUT.npy -o OUTPUT.npy [options]", about, example,
                             r->options};
    spectral_job *job = r->job;
    cli_parser p;
    int id, code = 0;

    r->any.struct_size = sizeof r->any;
    if (dc_op_find("spectral_welch", &r->any) != DC_OK)
        return 1000 + cli_fail_status(DC_E_UNSUPPORTED);
    params_describe(&r->any, skipped, &r->described);
    params_append(fixed, &r->described, r->options);
    job->p = (dc_spectral_params)DC_SPECTRAL_PARAMS_INIT;
    cli_begin(&p, &usage, argc, argv);
    while (!code && (id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return 1000 + (id == CLI_HELP ? CLI_FINE : CLI_USAGE);
        code = take_option(r, id, &p);
    }
    code = code ? code : complete(job);
    return code ? 1000 + code : 0;
}

/* ---- files --------------------------------------------------------------------------------- */

static int open_input(spectral_job *job)
{
    char error[NPY_TEXT];
    struct stat st;

    if (npy_open(job->input, &job->file, error))
        return cli_fail(CLI_FAILED, "%s", error);
    if (!stat(job->output, &st) && (uint64_t)st.st_dev == job->file.device &&
        (uint64_t)st.st_ino == job->file.inode)
        return cli_fail(CLI_USAGE, "the output %s is the input itself", job->output);
    return spectral_arrange(job);
}

/* Reserve the space, write the header, map the whole. */
static int open_output(spectral_job *job, outfile *out)
{
    char header[256];
    size_t bytes = npy_type_bytes(job->type);
    int code = 0, large = 0;

    job->head = npy_header_write(job->type, job->ndim, job->shape, header, sizeof header);
    for (int32_t d = 0; d < job->ndim; ++d)
        large |= __builtin_mul_overflow(bytes, (size_t)job->shape[d], &bytes);
    if (large || __builtin_add_overflow(bytes, job->head, &job->map_bytes))
        return cli_fail(CLI_USAGE, "the output of %s overflows 64 bits", job->input);
    code = outfile_open(out, job->output, job->map_bytes);
    if (!code)
        code = outfile_write(out, header, job->head);
    if (!code && ftruncate(out->fd, (off_t)job->map_bytes))
        code =
            cli_fail(CLI_FAILED, "%s cannot be made %zu bytes long", job->output, job->map_bytes);
    if (code)
        return code;
    job->map = mmap(NULL, job->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, out->fd, 0);
    if (job->map == MAP_FAILED) {
        job->map = NULL;
        return cli_fail(CLI_FAILED, "%s cannot be mapped into memory", job->output);
    }
    return 0;
}

/* ---- what is told -------------------------------------------------------------------------- */

static void print_json(const spectral_job *job)
{
    cJSON *root = cJSON_CreateObject(), *shape;
    char *text;

    cJSON_AddStringToObject(root, "spectrum", job->verb->name);
    cJSON_AddStringToObject(root, "operation", job->op.name);
    cJSON_AddStringToObject(root, "input", job->input);
    cJSON_AddStringToObject(root, "output", job->output);
    shape = cJSON_AddArrayToObject(root, "shape");
    for (int32_t d = 0; d < job->ndim; ++d)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)job->shape[d]));
    cJSON_AddStringToObject(root, "dtype", npy_type_descr(job->type));
    cJSON_AddNumberToObject(root, "axis", (double)job->axis);
    if (job->nfft) {
        cJSON_AddNumberToObject(root, "frequency_step", job->p.fs / (double)job->nfft);
        cJSON_AddNumberToObject(root, "windows", (double)job->frames);
    }
    cJSON_AddNumberToObject(root, "blocks", (double)job->calls);
    cJSON_AddStringToObject(root, "device", job->run.device);
    cJSON_AddStringToObject(root, "reason", job->run.reason);
    cJSON_AddNumberToObject(root, "seconds", job->seconds);
    text = cJSON_Print(root);
    puts(text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(root);
}

static void print_facts(const spectral_job *job)
{
    char shape[200] = "", time[UI_TEXT], rate[UI_TEXT];
    const double bytes = (double)job->file.map_bytes + (double)job->map_bytes;
    size_t at = 0;

    for (int32_t d = 0; d < job->ndim && at < sizeof shape; ++d)
        at += (size_t)snprintf(shape + at, sizeof shape - at, "%s%" PRId64, d ? " x " : "",
                               job->shape[d]);
    printf("%-13s %s, %s %s\n", job->verb->name, job->output, shape, npy_type_descr(job->type));
    if (job->nfft)
        printf("%-13s %" PRId64 " of %g each, %" PRId64 " window%s\n", "bins", job->nfft / 2 + 1,
               job->p.fs / (double)job->nfft, job->frames, job->frames == 1 ? "" : "s");
    printf("%-13s %s%s%s (%s)\n", "on", job->run.device, *isa_name(job->run.isa) ? " " : "",
           job->run.device_kind == DC_DEVICE_CPU ? isa_name(job->run.isa) : "", job->run.reason);
    printf("%-13s %s, %s/s read and written, %" PRId64 " block%s\n", "time",
           ui_seconds(time, job->seconds), ui_bytes(rate, bytes / job->seconds), job->calls,
           job->calls == 1 ? "" : "s");
}

static int run(spectral_job *job)
{
    outfile out = {.fd = -1, .slot = -1};
    int code;

    job->seconds = cli_now();
    code = open_input(job);
    if (!code)
        code = session_open(&job->session, &job->where);
    if (!code)
        code = open_output(job, &out);
    if (!code)
        code = spectral_compute(job);
    if (job->map)
        munmap(job->map, job->map_bytes);
    if (!code)
        code = outfile_commit(&out);
    outfile_discard(&out);
    if (code == CLI_INTERRUPTED)
        return cli_fail(code, "interrupted; nothing was written");
    if (code)
        return code;
    job->seconds = cli_now() - job->seconds;
    if (job->print_json)
        print_json(job);
    else
        print_facts(job);
    return 0;
}

int cli_spectral(int argc, char **argv)
{
    static spectral_job job;
    request r = {.job = &job};
    int code;

    job.where = (session_options)SESSION_OPTIONS_INIT;
    job.memory = 256 << 20;
    code = parse(&r, argc, argv);
    if (code)
        return code - 1000;
    cli_catch_interrupts();
    code = run(&job);
    session_close(&job.session);
    npy_close(&job.file);
    return code;
}
