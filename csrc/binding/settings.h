/* Settings tables of Lua to entries of SETTINGS frames and back (Node's HTTP/2 Settings Object). */
#ifndef BINDING_SETTINGS_H
#define BINDING_SETTINGS_H

#include "binding/args.h"

/* The entries that a settings table can make: the named ones and the custom ones. */
#define LH2_MAX_SETTINGS (8 + H2_MAX_CUSTOM_SETTINGS)

/* Reads the table at `index` (nil: none) into `entries`, which has room for LH2_MAX_SETTINGS, in the
 * order they are sent: identifiers ascending. Raises ERR_HTTP2_INVALID_SETTING_VALUE,
 * ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS, ERR_INVALID_ARG_TYPE. Returns their number. [-0, +0, v] */
size_t lh2_settings_read(lua_State *L, int index, const char *name, h2_setting *entries);
/* Pushes a fresh settings table of settings in force. [-0, +1, m] */
void lh2_push_settings(lua_State *L, const h2_settings *settings);

/* Adds getDefaultSettings, getPackedSettings, getUnpackedSettings to the table on top. [-0, +0, m] */
void lh2_settings_open(lua_State *L);

#endif
