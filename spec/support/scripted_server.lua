--- Client sessions at scripted servers, and notes of what comes of them.
local http2 = require("http2")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local rawpeer = require("spec.support.rawpeer")

local client = {}

--- A client session with a scripted server: gives both once the prefaces are exchanged.
function client.scripted(options, settings)
    local listener = rawpeer.listen()
    local session = loop.track(
        http2.connect("http://127.0.0.1:" .. listener.port, options))
    local peer = listener:accept(settings)
    listener:close()
    return session, peer
end

--- Notes what a stream or session comes to: {events, err, code}.
function client.watch(object)
    local view = {events = {}}
    pair.log(view.events, "", object, {
        "response", "headers", "continue", "trailers", "end", "aborted", "goaway", "error", "close",
    })
    object:on("response", function(headers)
        view.headers = headers
    end)
    object:on("error", function(err)
        view.err = err
    end)
    object:on("close", function()
        view.closed = true
        view.code = object.rstCode
    end)
    return view
end

function client.await_close(view)
    assert(rawpeer.turn_until(function()
        return view.closed
    end), "close was not emitted, only " .. table.concat(view.events, ", "))
end

return client
