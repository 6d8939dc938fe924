--- The module: what Node.js documents as `http2`, in the order of its documentation.
local core = require("http2_core")
local abort = require("http2.abort")
local async = require("http2.async")

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

   -- compatibility API
   Http2ServerRequest = core.Http2ServerRequest,
   Http2ServerResponse = core.Http2ServerResponse,

   -- the loop, and errors that nobody caught
   run = core.run,
   backendFd = core.backendFd,
   backendTimeout = core.backendTimeout,
   onUncaught = core.onUncaught,
   isError = core.isError,

   -- coroutines, and ways to end requests
   spawn = async.spawn,
   sleep = async.sleep,
   AbortController = abort.AbortController,
   AbortSignal = abort.AbortSignal,
}

return http2
