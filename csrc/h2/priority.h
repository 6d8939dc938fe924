/* Extensible priorities (RFC 9218): the value of a `priority` field and of PRIORITY_UPDATE. */
#ifndef H2_PRIORITY_H
#define H2_PRIORITY_H

#include "h2/h2.h"

#define H2_DEFAULT_URGENCY 3
#define H2_URGENCIES 8
/* No value that says anything is longer. */
#define H2_MAX_PRIORITY_VALUE 64

/* Writes the shortest value with this meaning, at most 6 octets ("u=1, i"); returns its size. */
size_t h2_priority_print(h2_priority priority, uint8_t out[6]);

#endif
