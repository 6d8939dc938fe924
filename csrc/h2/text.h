/* The characters of which names, authorities and paths are made (RFC 9110 §5, RFC 3986); of values
 * h2.h tells. */
#ifndef H2_TEXT_H
#define H2_TEXT_H

#include "base/bytes.h"

/* RFC 9110 §5.6.2, at least one character. */
bool h2_text_is_token(bytes_slice text);
/* A token without upper-case letters (RFC 9113 §8.2.1). */
bool h2_text_is_field_name(bytes_slice text);
/* Visible ASCII, without the '#' of a fragment. */
bool h2_text_is_target(bytes_slice text);
/* host [ ":" port ] without user information; the host is not empty (RFC 9110 §4.2, RFC 9113 §8.3.1). */
bool h2_text_is_authority(bytes_slice text);
/* Equal but for the case of ASCII letters. */
bool h2_text_equal_caseless(bytes_slice a, bytes_slice b);
/* The same host and port, where a missing port is the scheme's. */
bool h2_text_same_authority(bytes_slice a, bytes_slice b, bool is_https);
/* Digits that say at most 2^53-1, or -1 (RFC 9110 §8.6). */
int64_t h2_text_parse_length(bytes_slice text);

#endif
