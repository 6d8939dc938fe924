/* Every defence against floods, with its budget: what a peer makes us do is counted here, and a
 * budget used up is a fault of the session, ENHANCE_YOUR_CALM (RFC 9113 §10.5). */
#ifndef H2_LIMITS_H
#define H2_LIMITS_H

#include "h2/error.h"

/* A token bucket, in thousandths of a token. */
typedef struct h2_bucket {
    uint64_t level;
    uint64_t filled_ms;
} h2_bucket;

typedef struct h2_limits {
    h2_limit_options options;
    uint64_t now_ms;
    int64_t overhead; /* octets of frames in, but for those that were earned, less those that the
                         payload of both directions stands for */
    h2_bucket resets;
    h2_bucket glitches;
    uint32_t invalid_frames;
    uint32_t rejected_streams; /* in a row */
    uint32_t accepted_streams; /* since the last tick */
    uint32_t settings_frames;
    uint32_t update_credit; /* WINDOW_UPDATE frames before they are glitches */
    uint32_t continuations; /* of the block that is open */
    uint32_t empty_continuations;
    uint32_t outbound_acks; /* unsent */
    uint32_t outbound_frames;
} h2_limits;

void h2_limits_init(h2_limits *limits, const h2_limit_options *options);

/* One legal but suspicious event. */
int h2_limits_glitch(h2_limits *limits, h2_fault *fault);
/* A stream ended by the peer's RST_STREAM, or by one of ours that the peer provoked. */
int h2_limits_reset(h2_limits *limits, h2_fault *fault);
/* A frame that does nothing, or that is invalid on its stream. */
int h2_limits_invalid_frame(h2_limits *limits, h2_fault *fault);
/* A stream refused, and one accepted. */
int h2_limits_rejected(h2_limits *limits, h2_fault *fault);
void h2_limits_accepted(h2_limits *limits);
/* Whether so many streams were accepted since the last tick that others have to wait; `at_once` are
 * offered at a time. */
bool h2_limits_is_hasty(const h2_limits *limits, uint32_t at_once);
/* SETTINGS of `entries`, before any is applied. */
int h2_limits_settings(h2_limits *limits, size_t entries, h2_fault *fault);
/* A header block begins; a CONTINUATION of `length` octets follows. `list_octets` is the limit that
 * the block may reach: whoever may send more may use more frames for it. */
void h2_limits_block(h2_limits *limits);
int h2_limits_continuation(h2_limits *limits, uint32_t length, size_t list_octets, h2_fault *fault);
/* WINDOW_UPDATE frames are earned by streams and by the DATA that they ask for. */
void h2_limits_earn_updates(h2_limits *limits, uint32_t frames);
int h2_limits_window_update(h2_limits *limits, h2_fault *fault);
/* A frame of so many octets comes in, its header included: has there been enough payload for what was
 * sent? */
int h2_limits_frame(h2_limits *limits, uint32_t octets, h2_fault *fault);
/* Octets of content, of header blocks, or of PING and its answer. */
static inline void h2_limits_payload(h2_limits *limits, uint32_t octets) {
    limits->overhead -= (int64_t)octets * limits->options.max_overhead_ratio;
}
/* A frame must be answered: is there still room for unsent answers? */
int h2_limits_ack(const h2_limits *limits, h2_fault *fault);
/* A frame comes in: has the peer taken enough of what it made us write? */
int h2_limits_outbound(const h2_limits *limits, h2_fault *fault);

#endif
