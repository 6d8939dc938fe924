/* Settings (RFC 9113 §6.5): what values are allowed, and the frames of ours that the peer has not
 * acknowledged yet: they come into force one after the other, each by its acknowledgement. */
#ifndef H2_SETTINGS_H
#define H2_SETTINGS_H

#include "base/list.h"
#include "h2/frame.h"

/* H2_FAULT on a value that §6.5.2 (RFC 8441 §3, RFC 9218 §2.1) forbids. */
int h2_settings_check(h2_setting setting, h2_fault *fault);

/* Sets one value. H2_OK, or H2_GONE for an identifier that the map does not name. */
int h2_settings_set(h2_settings *settings, h2_setting setting);

/* Keeps the value of an identifier that the map does not name; dropped when there is no room. */
void h2_settings_set_custom(h2_settings *settings, h2_setting setting);

/* One SETTINGS frame of ours on its way. */
typedef struct h2_settings_sent {
    list_node link;
    uint64_t due_ms; /* when it is to be acknowledged; H2_NEVER: whenever */
    size_t count;
    h2_setting entries[];
} h2_settings_sent;

/* A copy of the entries, in no list; freed by mem_free. H2_OK or H2_NOMEM. */
int h2_settings_sent_new(h2_settings_sent **out, const h2_setting *entries, size_t count);

#endif
