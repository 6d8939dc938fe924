/* Frames as octets (RFC 9113 §4, §6; RFC 7838 §4; RFC 8336 §2; RFC 9218 §7.1): pure functions that
 * read and write headers and payloads, and make the checks that need no session. */
#ifndef H2_FRAME_H
#define H2_FRAME_H

#include "h2/error.h"

#define H2_FRAME_HEADER_OCTETS 9
#define H2_SETTING_OCTETS 6
#define H2_PRIORITY_OCTETS 5
/* §4.2: what every peer must take; also the initial SETTINGS_MAX_FRAME_SIZE. */
#define H2_LEAST_MAX_FRAME_SIZE 16384u
/* Pad Length and 255 octets of padding: what §6.1 allows a frame to grow by. */
#define H2_MAX_PADDING_OCTETS 256u
/* §4.1: the reserved bit before 31-bit numbers is masked on read and never set. */
#define H2_MAX_31_BIT 0x7fffffffu

enum {
    H2_FRAME_DATA = 0x0,
    H2_FRAME_HEADERS = 0x1,
    H2_FRAME_PRIORITY = 0x2,
    H2_FRAME_RST_STREAM = 0x3,
    H2_FRAME_SETTINGS = 0x4,
    H2_FRAME_PUSH_PROMISE = 0x5,
    H2_FRAME_PING = 0x6,
    H2_FRAME_GOAWAY = 0x7,
    H2_FRAME_WINDOW_UPDATE = 0x8,
    H2_FRAME_CONTINUATION = 0x9,
    H2_FRAME_ALTSVC = 0xa,
    H2_FRAME_ORIGIN = 0xc,
    H2_FRAME_PRIORITY_UPDATE = 0x10,
    H2_FRAME_TYPES /* one more than the highest known */
};

enum {
    H2_FLAG_ACK = 0x01, /* of SETTINGS and PING */
    H2_FLAG_END_STREAM = 0x01,
    H2_FLAG_END_HEADERS = 0x04,
    H2_FLAG_PADDED = 0x08,
    H2_FLAG_PRIORITY = 0x20
};

typedef struct h2_frame_header {
    uint32_t length; /* of the payload */
    uint32_t stream_id;
    uint8_t type;
    uint8_t flags;
} h2_frame_header;

/* ------------------------------------------------------------------------------------ reading */

/* Reads nine octets. */
void h2_frame_header_read(h2_frame_header *header, const uint8_t *octets);

/* §4.2: the limit that frames of all types have, known or not. */
int h2_frame_check_limit(const h2_frame_header *header, uint32_t max_frame_size, h2_fault *fault);

/* All that can be said from the header alone: the limit, the sizes of the known types, and whether
 * they belong on a stream (§6). PRIORITY of a wrong size is the one stream fault. */
int h2_frame_check(const h2_frame_header *header, uint32_t max_frame_size, h2_fault *fault);

/* Octets of DATA, HEADERS and PUSH_PROMISE before their contents: Pad Length, priority, promised id. */
uint32_t h2_frame_prefix_octets(const h2_frame_header *header);

/* RFC 7540 §5.3, which RFC 9113 has done away with: read so that it can be checked and dropped. */
typedef struct h2_dependency {
    uint32_t stream_id;
    uint8_t weight; /* as on the wire: one less than meant */
    bool is_exclusive;
} h2_dependency;

typedef struct h2_frame_prefix {
    uint8_t padding; /* octets of zeros at the end */
    h2_dependency dependency;
    uint32_t promised_id;
} h2_frame_prefix;

/* Reads h2_frame_prefix_octets(). Faults: padding that is not shorter than the payload, a stream that
 * depends on itself, a promised id that is 0 or a client's. */
int h2_frame_read_prefix(const h2_frame_header *header, const uint8_t *octets,
                         h2_frame_prefix *prefix, h2_fault *fault);

int h2_frame_read_priority(const h2_frame_header *header, const uint8_t *payload,
                           h2_dependency *dependency, h2_fault *fault);

h2_setting h2_frame_read_setting(const uint8_t *octets);

/* Faults on an increment of 0, on the stream if there is one (§6.9). */
int h2_frame_read_window_update(const h2_frame_header *header, const uint8_t *payload,
                                uint32_t *increment, h2_fault *fault);

typedef struct h2_goaway {
    uint32_t last_id;
    uint32_t code;
    bytes_slice debug;
} h2_goaway;
void h2_frame_read_goaway(const h2_frame_header *header, const uint8_t *payload, h2_goaway *goaway);

int h2_frame_read_altsvc(const h2_frame_header *header, const uint8_t *payload, bytes_slice *origin,
                         bytes_slice *value, h2_fault *fault);

/* Takes the first Origin-Entry off `rest`. */
int h2_frame_read_origin(bytes_slice *rest, bytes_slice *origin, h2_fault *fault);

int h2_frame_read_priority_update(const h2_frame_header *header, const uint8_t *payload,
                                  uint32_t *stream_id, bytes_slice *value, h2_fault *fault);

/* ------------------------------------------------------------------------------------ writing
 * Each writes a whole frame, or what its name says, and returns the place after it. */

uint8_t *h2_frame_write_header(uint8_t *p, uint32_t length, uint8_t type, uint8_t flags,
                               uint32_t stream_id);
uint8_t *h2_frame_write_priority(uint8_t *p, uint32_t stream_id, const h2_dependency *dependency);
/* The five octets alone, as HEADERS with H2_FLAG_PRIORITY have them. */
uint8_t *h2_frame_write_dependency(uint8_t *p, const h2_dependency *dependency);
uint8_t *h2_frame_write_rst_stream(uint8_t *p, uint32_t stream_id, uint32_t code);
uint8_t *h2_frame_write_setting(uint8_t *p, h2_setting setting);
uint8_t *h2_frame_write_ping(uint8_t *p, uint8_t flags, const uint8_t payload[8]);
uint8_t *h2_frame_write_goaway(uint8_t *p, const h2_goaway *goaway);
uint8_t *h2_frame_write_window_update(uint8_t *p, uint32_t stream_id, uint32_t increment);

#define H2_PING_FRAME_OCTETS (H2_FRAME_HEADER_OCTETS + 8)
#define H2_RST_STREAM_FRAME_OCTETS (H2_FRAME_HEADER_OCTETS + 4)
#define H2_WINDOW_UPDATE_FRAME_OCTETS (H2_FRAME_HEADER_OCTETS + 4)
#define H2_GOAWAY_OCTETS 8 /* of the payload, without debug data */

#endif
