/* HPACK against libnghttp2: octets of header text per second, names and values, both ways.
 * Both sides get the same lists in the same order; decoding is of what nghttp2 has encoded. */
#include "hpack/hpack.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 25
#define PASSES 40 /* each of a new connection's state, in one round */
#define LISTS 400 /* blocks of a connection */
#define MAX_FIELDS 24

typedef struct field_list {
    const char *text[MAX_FIELDS][2];
} field_list;

#define AGENT                                                                                      \
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "                      \
    "Chrome/126.0.0.0 Safari/537.36"
#define ACCEPT                                                                                     \
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

#define BROWSER(path, accept, dest)                                                                \
    {                                                                                              \
        {                                                                                          \
            {":method", "GET"}, {":authority", "www.example.com"}, {":scheme", "https"},           \
                {":path", path}, {"user-agent", AGENT}, {"accept", accept},                        \
                {"sec-fetch-site", "same-origin"}, {"sec-fetch-dest", dest},                       \
                {"accept-encoding", "gzip, deflate, br, zstd"},                                    \
                {"accept-language", "en-GB,en;q=0.9,de;q=0.7"}, {                                  \
                "cookie", "session=0f9c2a7be1d84c3fa2b6; theme=dark"                               \
            }                                                                                      \
        }                                                                                          \
    }
#define CALL(method, path, trace)                                                                  \
    {                                                                                              \
        {                                                                                          \
            {":method", method}, {":scheme", "https"}, {":path", path},                            \
                {":authority", "api.internal:8443"}, {"content-type", "application/json"},         \
                {"user-agent", "billing/2.14 (linux; amd64)"}, {"te", "trailers"},                 \
                {"authorization", "Bearer 2YotnFZFEjr1zCsicMWpAA"}, {                              \
                "traceparent", trace                                                               \
            }                                                                                      \
        }                                                                                          \
    }
#define ASSET(type, length, etag)                                                                  \
    {                                                                                              \
        {                                                                                          \
            {":status", "200"}, {"date", "Sun, 22 Nov 2026 10:34:41 GMT"}, {"server", "nginx"},    \
                {"content-type", type}, {"content-length", length},                                \
                {"last-modified", "Tue, 03 Nov 2026 08:12:31 GMT"}, {"etag", etag},                \
                {"cache-control", "public, max-age=31536000, immutable"},                          \
                {"accept-ranges", "bytes"}, {                                                      \
                "strict-transport-security", "max-age=63072000; includeSubDomains"                 \
            }                                                                                      \
        }                                                                                          \
    }
#define ANSWER(status, length, id)                                                                 \
    {                                                                                              \
        {                                                                                          \
            {":status", status}, {"content-type", "application/json; charset=utf-8"},              \
                {"content-length", length}, {"date", "Sun, 22 Nov 2026 10:34:42 GMT"},             \
                {"vary", "accept-encoding"}, {"x-request-id", id}, {                               \
                "cache-control", "no-store"                                                        \
            }                                                                                      \
        }                                                                                          \
    }

/* clang-format off */
static const field_list ten_fields[] = {
    {{{":method", "GET"}, {":scheme", "https"}, {":authority", "www.example.com"},
      {":path", "/search?q=hpack&page=2"}, {"user-agent", AGENT}, {"accept", ACCEPT},
      {"accept-encoding", "gzip, deflate, br"}, {"accept-language", "en-GB,en;q=0.9"},
      {"referer", "https://www.example.com/"}, {"cookie", "session=0f9c2a7be1d84c3fa2b6"}}},
};

static const field_list requests[] = {
    BROWSER("/", ACCEPT, "document"),
    BROWSER("/assets/app.3f9a1c77.js", "*/*", "script"),
    BROWSER("/assets/app.77b10e2d.css", "text/css,*/*;q=0.1", "style"),
    BROWSER("/img/hero-1600x900.avif", "image/avif,image/webp,*/*;q=0.8", "image"),
    BROWSER("/img/logo.svg", "image/avif,image/webp,*/*;q=0.8", "image"),
    BROWSER("/fonts/inter-var-latin.woff2", "*/*", "font"),
    BROWSER("/api/v1/items?offset=40&limit=20&sort=created_at", "application/json", "empty"),
    CALL("POST", "/v2/invoices", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    CALL("GET", "/v2/invoices/8812734", "00-a3ce929d0e0e47364bf92f3577b34da6-b7a902ba0b67f000-01"),
    CALL("PUT", "/v2/customers/19/address",
         "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-00"),
};

static const field_list responses[] = {
    ASSET("text/html; charset=utf-8", "18264", "\"6734a1f2-4758\""),
    ASSET("text/javascript; charset=utf-8", "248113", "\"6734a1f2-3c931\""),
    ASSET("text/css; charset=utf-8", "31877", "\"6734a1f1-7c85\""),
    ASSET("image/avif", "90210", "\"66f0b3aa-16062\""),
    ASSET("image/svg+xml", "2210", "\"66f0b3aa-8a2\""),
    ASSET("font/woff2", "111040", "\"65a1d3c0-1b1c0\""),
    ANSWER("200", "1843", "7c1f2b9e-55a0-4f5e-9a39-0f6f2f1d5b11"),
    ANSWER("201", "96", "0b6de4c2-8a77-4b1d-8c07-6a2e9f4d3310"),
    ANSWER("404", "41", "f2a90c5d-1e64-47fb-b0f3-91c57d8e2a6b"),
    {{{":status", "304"}, {"date", "Sun, 22 Nov 2026 10:34:43 GMT"}, {"server", "nginx"},
      {"etag", "\"6734a1f2-4758\""}, {"cache-control", "public, max-age=31536000, immutable"}}},
};
/* clang-format on */

typedef struct workload {
    const char *name;
    const field_list *lists;
    size_t count;
} workload;

/* A workload made ready for both sides: the lists of one connection, and their blocks. */
typedef struct traffic {
    hpack_field fields[LISTS][MAX_FIELDS];
    nghttp2_nv nvs[LISTS][MAX_FIELDS];
    size_t counts[LISTS];
    bytes_slice blocks[LISTS];
    size_t octets;
} traffic;

static uint8_t out[1 << 16];

static void *check(void *pointer) {
    if (!pointer)
        exit(EXIT_FAILURE);
    return pointer;
}

static void expect(bool is_so) {
    if (!is_so) {
        (void)fprintf(stderr, "a coder failed\n");
        exit(EXIT_FAILURE);
    }
}

static void prepare_list(traffic *t, size_t n, const field_list *list) {
    size_t count = 0;
    for (; count < MAX_FIELDS && list->text[count][0]; count++) {
        const char *name = list->text[count][0];
        const char *value = list->text[count][1];
        hpack_field *field = &t->fields[n][count];
        *field = (hpack_field){.name = bytes_slice_of(name, strlen(name)),
                               .value = bytes_slice_of(value, strlen(value))};
        t->nvs[n][count] = (nghttp2_nv){
            (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, field->name.size,
            field->value.size, NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
        t->octets += field->name.size + field->value.size;
    }
    t->counts[n] = count;
}

static traffic *traffic_new(const workload *work) {
    traffic *made = check(calloc(1, sizeof(*made)));
    nghttp2_hd_deflater *deflater;
    expect(nghttp2_hd_deflate_new(&deflater, HPACK_DEFAULT_TABLE_OCTETS) == 0);
    for (size_t i = 0; i < LISTS; i++) {
        prepare_list(made, i, &work->lists[i % work->count]);
        ssize_t size =
            nghttp2_hd_deflate_hd(deflater, out, sizeof(out), made->nvs[i], made->counts[i]);
        expect(size > 0);
        uint8_t *block = check(malloc((size_t)size));
        memcpy(block, out, (size_t)size);
        made->blocks[i] = bytes_slice_of(block, (size_t)size);
    }
    nghttp2_hd_deflate_del(deflater);
    return made;
}

static void traffic_free(traffic *t) {
    for (size_t i = 0; i < LISTS; i++)
        free((void *)(uintptr_t)t->blocks[i].data);
    free(t);
}

/* ------------------------------------------------------------------------------- the four runs */

/* Ours; finding the names' tokens is part of the work, as it is for nghttp2. */
static void encode_ours(traffic *t) {
    hpack_encoder *encoder;
    bytes_buffer block;
    expect(hpack_encoder_new(&encoder, HPACK_DEFAULT_TABLE_OCTETS) == HPACK_OK);
    bytes_buffer_init(&block);
    for (size_t i = 0; i < LISTS; i++) {
        hpack_field *fields = t->fields[i];
        for (size_t j = 0; j < t->counts[i]; j++)
            fields[j].token = hpack_token_of(fields[j].name);
        block.size = 0;
        expect(hpack_encoder_encode(encoder, fields, t->counts[i], &block) == HPACK_OK);
    }
    bytes_buffer_dispose(&block);
    hpack_encoder_free(encoder);
}

static void encode_theirs(traffic *t) {
    nghttp2_hd_deflater *deflater;
    expect(nghttp2_hd_deflate_new(&deflater, HPACK_DEFAULT_TABLE_OCTETS) == 0);
    for (size_t i = 0; i < LISTS; i++)
        expect(nghttp2_hd_deflate_hd(deflater, out, sizeof(out), t->nvs[i], t->counts[i]) > 0);
    nghttp2_hd_deflate_del(deflater);
}

static void decode_ours(traffic *t) {
    static const hpack_limits limits = {65535, 128, 262140};
    hpack_decoder *decoder;
    hpack_section section;
    expect(hpack_decoder_new(&decoder, HPACK_DEFAULT_TABLE_OCTETS) == HPACK_OK);
    hpack_section_init(&section);
    for (size_t i = 0; i < LISTS; i++) {
        hpack_section_clear(&section);
        expect(hpack_decoder_decode(decoder, t->blocks[i], true, &limits, &section) == HPACK_OK);
        expect(section.count == t->counts[i]);
    }
    hpack_section_dispose(&section);
    hpack_decoder_free(decoder);
}

static size_t inflate(nghttp2_hd_inflater *inflater, bytes_slice block) {
    size_t count = 0;
    for (int flags = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL);) {
        nghttp2_nv nv;
        ssize_t used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block.data, block.size, 1);
        expect(used >= 0);
        block.data += used;
        block.size -= (size_t)used;
        count += (flags & NGHTTP2_HD_INFLATE_EMIT) != 0;
    }
    expect(nghttp2_hd_inflate_end_headers(inflater) == 0);
    return count;
}

static void decode_theirs(traffic *t) {
    nghttp2_hd_inflater *inflater;
    expect(nghttp2_hd_inflate_new(&inflater) == 0);
    for (size_t i = 0; i < LISTS; i++)
        expect(inflate(inflater, t->blocks[i]) == t->counts[i]);
    nghttp2_hd_inflate_del(inflater);
}

/* ------------------------------------------------------------------------------------ measuring */

typedef void run(traffic *t);

/* MB/s of header text in one round. */
static double measure(run *function, traffic *with) {
    struct timespec from, to;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < PASSES; i++)
        function(with);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    return PASSES * (double)with->octets / seconds / 1e6;
}

/* The best of the rounds of each, taken in turns so that a change of clock rate meets both. */
static void compare(const char *name, const char *way, run *ours, run *theirs, traffic *with) {
    double best[2] = {0, 0};
    for (int i = 0; i < ROUNDS; i++) {
        double rates[2] = {measure(ours, with), measure(theirs, with)};
        for (int side = 0; side < 2; side++)
            if (rates[side] > best[side])
                best[side] = rates[side];
    }
    printf("%-18s %-7s %8.0f MB/s %8.0f MB/s   x %.2f\n", name, way, best[0], best[1],
           best[0] / best[1]);
}

int main(void) {
    static const workload workloads[] = {
        {"10-field request", ten_fields, sizeof(ten_fields) / sizeof(field_list)},
        {"requests", requests, sizeof(requests) / sizeof(field_list)},
        {"responses", responses, sizeof(responses) / sizeof(field_list)},
    };
    printf("%-18s %-7s %13s %13s   ratio\n", "HPACK", "", "ours", "nghttp2");
    for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
        traffic *with = traffic_new(&workloads[i]);
        compare(workloads[i].name, "encode", encode_ours, encode_theirs, with);
        compare(workloads[i].name, "decode", decode_ours, decode_theirs, with);
        traffic_free(with);
    }
    return EXIT_SUCCESS;
}
