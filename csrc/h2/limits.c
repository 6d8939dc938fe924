#include "h2/limits.h"

#include "h2/frame.h"

/* SETTINGS frames that no session needs more of. */
#define ORDINARY_SETTINGS_FRAMES 10
#define MAX_UPDATE_CREDIT 1000000u
/* Payload that nobody has to bring before overhead counts. */
#define FREE_PAYLOAD ((int64_t)1024 * 1024)
#define WINDOW_UPDATE_OCTETS 13

static int calm(h2_fault *fault, const char *text) {
    return h2_fault_session(fault, H2_ENHANCE_YOUR_CALM, text);
}

/* Fills what the time since the last draw has earned, at most up to `burst`, and draws one token. A
 * clock that jumps fills the bucket at most once. */
static bool draw(h2_bucket *bucket, uint64_t now_ms, uint32_t burst, uint32_t rate) {
    uint64_t full = (uint64_t)burst * 1000;
    uint64_t elapsed_ms = now_ms > bucket->filled_ms ? now_ms - bucket->filled_ms : 0;
    bucket->filled_ms = now_ms;
    if (rate > 0 && elapsed_ms >= (full - bucket->level) / rate)
        bucket->level = full;
    else
        bucket->level += elapsed_ms * rate;
    if (bucket->level < 1000)
        return false;
    bucket->level -= 1000;
    return true;
}

void h2_limits_init(h2_limits *limits, const h2_limit_options *options) {
    *limits = (h2_limits){
        .options = *options,
        .resets.level = (uint64_t)options->stream_reset_burst * 1000,
        .glitches.level = (uint64_t)options->glitch_burst * 1000,
    };
}

int h2_limits_glitch(h2_limits *limits, h2_fault *fault) {
    if (draw(&limits->glitches, limits->now_ms, limits->options.glitch_burst,
             limits->options.glitch_rate))
        return H2_OK;
    return calm(fault, "too many suspicious frames");
}

int h2_limits_reset(h2_limits *limits, h2_fault *fault) {
    if (draw(&limits->resets, limits->now_ms, limits->options.stream_reset_burst,
             limits->options.stream_reset_rate))
        return H2_OK;
    return calm(fault, "too many stream resets");
}

int h2_limits_invalid_frame(h2_limits *limits, h2_fault *fault) {
    if (++limits->invalid_frames <= limits->options.max_session_invalid_frames)
        return H2_OK;
    return calm(fault, H2_TOO_MANY_INVALID_FRAMES);
}

int h2_limits_rejected(h2_limits *limits, h2_fault *fault) {
    if (++limits->rejected_streams <= limits->options.max_session_rejected_streams)
        return H2_OK;
    return calm(fault, "too many streams over the limit");
}

void h2_limits_accepted(h2_limits *limits) {
    limits->rejected_streams = 0;
    limits->accepted_streams++;
}

bool h2_limits_is_hasty(const h2_limits *limits, uint32_t at_once) {
    uint64_t most = limits->options.max_streams_per_tick;
    return limits->accepted_streams >= (most > 0 ? most : (uint64_t)at_once * 2);
}

int h2_limits_settings(h2_limits *limits, size_t entries, h2_fault *fault) {
    if (entries > limits->options.max_settings)
        return calm(fault, "too many entries in a SETTINGS frame");
    if (limits->settings_frames < ORDINARY_SETTINGS_FRAMES) {
        limits->settings_frames++;
        return H2_OK;
    }
    return h2_limits_glitch(limits, fault);
}

void h2_limits_block(h2_limits *limits) {
    limits->continuations = 0;
    limits->empty_continuations = 0;
}

int h2_limits_continuation(h2_limits *limits, uint32_t length, size_t list_octets,
                           h2_fault *fault) {
    /* A quarter more frames than the longest list needs, for encodings that grow it. */
    size_t needed = list_octets / H2_LEAST_MAX_FRAME_SIZE * 5 / 4;
    size_t most = limits->options.max_continuations;
    if (++limits->continuations > (needed > most ? needed : most))
        return calm(fault, "too many CONTINUATION frames");
    if (length == 0 && ++limits->empty_continuations > 1)
        return calm(fault, "empty CONTINUATION frames");
    return H2_OK;
}

void h2_limits_earn_updates(h2_limits *limits, uint32_t frames) {
    if (limits->update_credit < MAX_UPDATE_CREDIT)
        limits->update_credit += frames;
}

int h2_limits_window_update(h2_limits *limits, h2_fault *fault) {
    if (limits->update_credit == 0)
        return h2_limits_glitch(limits, fault);
    limits->update_credit--;
    limits->overhead -= WINDOW_UPDATE_OCTETS;
    return H2_OK;
}

int h2_limits_frame(h2_limits *limits, uint32_t octets, h2_fault *fault) {
    uint32_t ratio = limits->options.max_overhead_ratio;
    limits->overhead += octets;
    if (ratio == 0 || limits->overhead <= ratio * FREE_PAYLOAD)
        return H2_OK;
    return calm(fault, "too many octets for too little payload");
}

int h2_limits_ack(const h2_limits *limits, h2_fault *fault) {
    if (limits->outbound_acks < limits->options.max_outbound_acks)
        return H2_OK;
    return calm(fault, "too many acknowledgements that the peer does not read");
}

int h2_limits_outbound(const h2_limits *limits, h2_fault *fault) {
    if (limits->outbound_frames <= limits->options.max_outbound_frames)
        return H2_OK;
    return calm(fault, "too many frames that the peer does not read");
}
