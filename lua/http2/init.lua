--- The module: what Node.js documents as `http2`, in the order of its documentation.
local core = require("http2_core")

local http2 = {
   -- core API
   connect = core.connect,
   constants = core.constants,
   createServer = core.createServer,
   createSecureServer = core.createSecureServer,
   getDefaultSettings = core.getDefaultSettings,
   getPackedSettings = core.getPackedSettings,
   getUnpackedSettings = core.getUnpackedSettings,
   performServerHandshake = core.performServerHandshake,
   sensitiveHeaders = core.sensitiveHeaders,

   -- the loop, and errors that nobody caught
   run = core.run,
   backendFd = core.backendFd,
   backendTimeout = core.backendTimeout,
   onUncaught = core.onUncaught,
   isError = core.isError,
}

return http2
