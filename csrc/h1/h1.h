/* HTTP/1.1 (RFC 9112) from a server's side, without I/O: octets from the client go in, events come
 * out one at a time; heads, chunks and trailers of responses are written into a buffer.
 *
 * The syntax is read by llhttp, or by http_parser where a system has only that, and looked at once
 * more by a gate that lets nothing ambiguous through: what two readers could understand differently
 * is refused with 400, never guessed at. */
#ifndef H1_H1_H
#define H1_H1_H

#include "base/bytes.h"

/* ------------------------------------------------------------------------------------ input */

typedef struct h1_limits {
    size_t max_head_octets;  /* request line and fields, and again the trailers; at most 65536 */
    uint32_t max_fields;     /* of a head, and of trailers */
    size_t max_chunk_octets; /* of one chunk's size line with its extensions */
} h1_limits;

/* 16 KiB, 128 fields, 256 octets. */
void h1_limits_init(h1_limits *limits);

/* One field as it came; white space around the value is no part of it. */
typedef struct h1_field {
    bytes_slice name, value;
} h1_field;

typedef enum h1_event_kind {
    H1_EV_NONE,  /* the input is used up */
    H1_EV_HEAD,  /* a request, complete up to its body, and valid */
    H1_EV_DATA,  /* octets of its body, without their chunks; of a tunnel once it is one */
    H1_EV_END,   /* the request is complete, with its trailers: the next one may follow */
    H1_EV_FAULT, /* not HTTP/1.1, or not to be trusted: nothing follows */
} h1_event_kind;

#define H1_LENGTH_UNKNOWN UINT64_MAX

/* Slices are valid until the next call of h1_parser_next. */
typedef struct h1_event {
    h1_event_kind kind;
    union {
        struct {
            bytes_slice method;
            bytes_slice scheme;    /* of a target in absolute form; else empty */
            bytes_slice authority; /* of the target, else of the Host field */
            bytes_slice path;      /* with its query; "*" for OPTIONS *; empty for CONNECT */
            const h1_field *fields;
            size_t count;
            uint64_t content_length; /* H1_LENGTH_UNKNOWN: none given */
            uint8_t minor;           /* HTTP/1.x */
            bool is_keep_alive;      /* the client would go on afterwards (RFC 9112 §9.3) */
            bool is_connect;
            bool is_upgrade; /* Upgrade, and Connection: upgrade (RFC 9110 §7.8) */
            bool has_body;
        } head;
        bytes_slice data;
        struct {
            const h1_field *fields;
            size_t count;
        } end;
        struct {
            int status;       /* for the answer: 400, 431, 501, 505 */
            const char *text; /* what was wrong, for people */
        } fault;
    };
} h1_event;

typedef struct h1_parser h1_parser;

/* 0, or -1 when memory is out. */
int h1_parser_new(h1_parser **out, const h1_limits *limits);
void h1_parser_free(h1_parser *parser);

/* Gives octets to read; they must stay until h1_parser_next has told H1_EV_NONE. To be called only
 * when the octets given before are used up (h1_parser_rest). */
void h1_parser_feed(h1_parser *parser, const uint8_t *data, size_t size);
/* The next event. 0, or -1 when memory is out: the parser can only be freed then. */
int h1_parser_next(h1_parser *parser, h1_event *event);
/* The octets that have not been looked at. */
bytes_slice h1_parser_rest(const h1_parser *parser);
/* After H1_EV_HEAD: what follows is no HTTP; it comes as H1_EV_DATA and has no end. */
void h1_parser_tunnel(h1_parser *parser);
/* Whether any octet of the next request has come; blank lines before it do not count. */
bool h1_parser_has_begun(const h1_parser *parser);

/* ----------------------------------------------------------------------------------- output */

/* How the end of a response's body is told (RFC 9112 §6.3). */
typedef enum h1_framing {
    H1_NO_BODY, /* there is none: HEAD, 1xx, 204, 304 */
    H1_LENGTH,  /* by Content-Length */
    H1_CHUNKED,
    H1_CLOSE, /* by the end of the connection: HTTP/1.0 */
    H1_TUNNEL /* 2xx to CONNECT, 101: what follows is no HTTP */
} h1_framing;

/* A response on its way. To begin with: all zero but what is known of the request. */
typedef struct h1_writer {
    uint8_t minor; /* of the request */
    bool is_head;  /* the request's method is HEAD */
    bool is_connect;
    bool
        is_keep_alive; /* the connection may serve another request; the writer takes that back where
                           the response makes it impossible */
    uint32_t keep_alive_s; /* told to the client; 0: not */
    h1_framing framing;    /* once the head is written */
    uint64_t left;         /* H1_LENGTH: octets of the body to come */
} h1_writer;

/* Writes the head of a final response. `size` is that of the whole body, H1_LENGTH_UNKNOWN where it is
 * not known yet. The fields' names and values hold no controls. Connection, Keep-Alive and
 * Transfer-Encoding are the writer's own, and given ones are passed over, but that Connection: close
 * ends the connection; so is a Content-Length where there is none to be. 0 or -1 (memory). */
int h1_write_head(h1_writer *writer, bytes_buffer *out, int status, const h1_field *fields,
                  size_t count, uint64_t size);
/* Writes a 1xx response; nothing for a client of HTTP/1.0. 0 or -1. */
int h1_write_informational(const h1_writer *writer, bytes_buffer *out, int status,
                           const h1_field *fields, size_t count);
/* Writes octets of the body as the framing wants them. 0 or -1; none may be more than
 * writer->left under H1_LENGTH. */
int h1_write_data(h1_writer *writer, bytes_buffer *out, const uint8_t *data, size_t size);
/* Ends the body; trailers go where there are chunks, and nowhere else. 0 or -1. A body that is shorter
 * than its Content-Length takes is_keep_alive back. */
int h1_write_end(h1_writer *writer, bytes_buffer *out, const h1_field *trailers, size_t count);
/* The whole answer to what could not be read, after which the connection closes. 0 or -1. */
int h1_write_fault(bytes_buffer *out, int status);
/* "Not Found"; "" for a status that no specification names. */
const char *h1_reason(int status);

/* ------------------------------------------------------------------------------------- text */

/* RFC 9110 §5.6.2. */
bool h1_is_token(bytes_slice text);
/* Whether two names are the same but for the case of their letters. */
bool h1_is_same(bytes_slice a, bytes_slice b);

#endif
