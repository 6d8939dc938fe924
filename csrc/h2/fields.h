/* Whether a field section is a message (RFC 9113 §8, RFC 8441): pseudo-fields, names, values, and the
 * fields that frame a message or that belong to HTTP/1.1 connections. What one intermediary might
 * read otherwise than the next is refused. */
#ifndef H2_FIELDS_H
#define H2_FIELDS_H

#include "h2/error.h"
#include "h2/priority.h"

/* What the session must know of a message. */
typedef struct h2_message_facts {
    int64_t content_length; /* -1: not said */
    uint16_t status;        /* of responses */
    bool is_head;
    bool is_connect; /* plain or extended */
    bool is_safe;    /* GET or HEAD: what may be pushed (§8.4) */
    bool has_priority;
    h2_priority priority;
} h2_message_facts;

/* Each returns NULL for a well-formed section, else what is wrong with it, as a string literal. */
const char *h2_fields_check_request(const hpack_field *fields, size_t count,
                                    bool is_extended_connect_allowed, h2_message_facts *facts);
const char *h2_fields_check_response(const hpack_field *fields, size_t count,
                                     h2_message_facts *facts);
const char *h2_fields_check_trailers(const hpack_field *fields, size_t count);

/* The facts of a request of our own, which is taken as it is. */
void h2_fields_survey(const hpack_field *fields, size_t count, h2_message_facts *facts);

#endif
