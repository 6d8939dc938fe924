-- Timers by Node's names: they run in the loop of http2.run().
local core = require("http2_core")

return {
    setTimeout = core.setTimeout,
    setInterval = core.setInterval,
    setImmediate = core.setImmediate,
    clearTimeout = core.clearTimeout,
    clearInterval = core.clearTimeout,
    clearImmediate = core.clearTimeout,
}
