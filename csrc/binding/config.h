/* The options that createServer and connect share, as the engine wants them. */
#ifndef BINDING_CONFIG_H
#define BINDING_CONFIG_H

#include "binding/settings.h"

/* Room for the settings of a server, which adds two of its own. */
#define LH2_CONFIG_SETTINGS (LH2_MAX_SETTINGS + 2)

typedef struct lh2_config {
    h2_options engine; /* its lists point into this struct: see lh2_config_engine */
    h2_setting settings[LH2_CONFIG_SETTINGS];
    size_t settings_count;
    uint16_t remote_custom[H2_MAX_CUSTOM_SETTINGS];
    size_t remote_custom_count;
    uint32_t unknown_protocol_timeout_ms;
    uint32_t handshake_timeout_ms;  /* of TLS; the engine has it for the first SETTINGS */
    uint32_t keep_alive_timeout_ms; /* of a session without streams; 0: none */
    uint32_t write_timeout_ms;      /* without progress; 0: none */
    uint32_t max_turn_octets;       /* read of one connection in a turn of the loop */
} lh2_config;

/* Reads the option table at `index` (nil: all defaults). Raises for what Node raises for.
 * [-0, +0, v] */
void lh2_config_read(lua_State *L, int index, h2_role role, lh2_config *config);
/* The engine's options with pool and seed of this state's runtime. [-0, +0, e] */
h2_options lh2_config_engine(lua_State *L, const lh2_config *config);
/* Merges the settings table at `index` into those of later sessions. [-0, +0, v] */
void lh2_config_update_settings(lua_State *L, int index, lh2_config *config);

#endif
