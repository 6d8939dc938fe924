local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")

describe("RFC 9113 5.1, an idle stream: a server", function()
    local world = conformance.server()

    world.ends_connection("DATA", "PROTOCOL_ERROR", frames.data(1, "x"))
    world.ends_connection("RST_STREAM", "PROTOCOL_ERROR", frames.rst_stream(1, 8))
    world.ends_connection("WINDOW_UPDATE", "PROTOCOL_ERROR", frames.window_update(1, 1))
    world.ends_connection("CONTINUATION", "PROTOCOL_ERROR", frames.continuation(1, "", 4))
    world.accepts("PRIORITY", frames.priority(1, 0))
end)

describe("RFC 9113 5.1, a stream the client has ended: a server", function()
    local world = conformance.server()

    before_each(function()
        world.handler = function(stream)
            stream:on("error", function() end)
        end
    end)

    local ended = frames.headers(1, frames.request_fields("POST", "/"), 5)

    world.ends_connection("DATA", "STREAM_CLOSED", ended .. frames.data(1, "x"))
    world.ends_connection("HEADERS", "STREAM_CLOSED", ended .. frames.headers(1, {"x", "y"}, 5))

    it("still takes WINDOW_UPDATE, PRIORITY and RST_STREAM on it", function()
        local peer = world.connect()
        peer:send(ended, frames.window_update(1, 1), frames.priority(1, 0),
            frames.rst_stream(1, 8))
        world.handler = nil
        world.serves(peer)
    end)
end)

describe("RFC 9113 5.1, a closed stream: a server", function()
    local world = conformance.server()

    local function answered(...)
        local after = table.concat({...})
        return function(peer)
            peer:send(frames.get(1))
            peer:await_answer(1)
            peer:send(after)
        end
    end

    world.ends_connection("DATA after both sides have ended it", "STREAM_CLOSED",
        answered(frames.data(1, "x")))
    world.ends_connection("HEADERS after both sides have ended it", "STREAM_CLOSED",
        answered(frames.headers(1, frames.request_fields("GET", "/"), 5)))
    world.accepts("WINDOW_UPDATE, RST_STREAM and PRIORITY after both sides have ended it",
        answered(frames.window_update(1, 1), frames.rst_stream(1, 8), frames.priority(1, 0)))

    world.ends_connection("DATA after the client has reset it", "STREAM_CLOSED",
        frames.post(1) .. frames.rst_stream(1, 8) .. frames.data(1, "x"))

    it("ignores what was under way when it reset the stream itself", function()
        world.handler = function(stream)
            stream:on("error", function() end)
            stream:close(frames.errors.CANCEL)
        end
        local peer = world.connect()
        peer:send(frames.post(1))
        peer:await_reset(1, "CANCEL")
        peer:send(frames.data(1, ("x"):rep(1000)), frames.window_update(1, 5),
            frames.headers(1, {"x-trailer", "1"}, 5), frames.rst_stream(1, 8))
        world.handler = nil
        for _, frame in ipairs(peer:await_pong()) do
            assert.not_equal(frames.RST_STREAM, frame.type)
        end
        world.serves(peer)
    end)
end)

describe("RFC 9113 5.1, stream states: a client", function()
    local world = conformance.client()

    world.ends_connection("DATA on an idle stream", "PROTOCOL_ERROR", frames.data(3, "x"))
    world.ends_connection("HEADERS on an idle stream", "PROTOCOL_ERROR", frames.response(3, 200))
    world.ends_connection("HEADERS on an idle stream of the server", "PROTOCOL_ERROR",
        frames.response(2, 200))
    world.ends_connection("RST_STREAM on an idle stream", "PROTOCOL_ERROR",
        frames.rst_stream(3, 8))

    it("ignores what was under way when it reset the stream itself", function()
        local peer = world.connect()
        world.stream:close(frames.errors.CANCEL)
        peer:await_reset(1, "CANCEL")
        peer:send(frames.response(1, 200), frames.data(1, "late", frames.END_STREAM))
        world.serves(peer)
    end)
end)
