local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local hpack = require("spec.support.hpack")

local block = hpack.encode(frames.request_fields("GET", "/"))
local whole = frames.END_HEADERS | frames.END_STREAM

describe("RFC 9113 6.2, HEADERS: a server", function()
    local world = conformance.server()

    world.ends_connection("on stream 0", "PROTOCOL_ERROR", frames.get(0))
    world.ends_connection("padding longer than the payload", "PROTOCOL_ERROR",
        frames.frame(frames.HEADERS, whole | frames.PADDED, 1, "\4abc"))
    world.ends_connection("too short for its priority", "FRAME_SIZE_ERROR",
        frames.frame(frames.HEADERS, whole | frames.HAS_PRIORITY, 1, "\0\0\0\0"))
    world.ends_connection("padding that leaves no room for its priority", "PROTOCOL_ERROR",
        frames.frame(frames.HEADERS, whole | frames.HAS_PRIORITY | frames.PADDED, 1,
            "\4\0\0\0\0\16\0\0"))
    world.ends_connection("depending on its own stream", "PROTOCOL_ERROR",
        frames.frame(frames.HEADERS, whole | frames.HAS_PRIORITY, 1, "\0\0\0\1\16" .. block))

    world.resets_stream("an empty block", "PROTOCOL_ERROR", frames.headers(1, "", whole))

    it("takes padding and priority", function()
        local peer = world.connect()
        peer:send(frames.frame(frames.HEADERS, whole | frames.HAS_PRIORITY | frames.PADDED, 1,
            "\5\128\0\0\3\16" .. block .. "\0\0\0\0\0"))
        assert.equal(200, peer:await_answer(1).status)
        assert.equal("/", world.requests[1][":path"])
    end)

    it("takes the padding of a block that goes on in CONTINUATION", function()
        local peer = world.connect()
        peer:send(frames.frame(frames.HEADERS, frames.END_STREAM | frames.PADDED, 1,
            "\3" .. block:sub(1, 10) .. "\0\0\0"), frames.continuation(1, block:sub(11), 4))
        assert.equal(200, peer:await_answer(1).status)
    end)
end)

describe("RFC 9113 6.3, PRIORITY: a server", function()
    local world = conformance.server()

    world.ends_connection("on stream 0", "PROTOCOL_ERROR", frames.priority(0, 1))
    world.ends_connection("a length of 4", "FRAME_SIZE_ERROR",
        frames.post(1) .. frames.frame(frames.PRIORITY, 0, 1, "\0\0\0\0"))
    world.ends_connection("a length of 6", "FRAME_SIZE_ERROR",
        frames.post(1) .. frames.frame(frames.PRIORITY, 0, 1, "\0\0\0\0\0\0"))
    world.ends_connection("depending on its own stream", "PROTOCOL_ERROR", frames.priority(1, 1))
    world.accepts("any number of idle streams", function(peer)
        for id = 1, 999, 2 do
            peer:send(frames.priority(id, id == 999 and 1 or id + 2, 255))
        end
    end)

    it("tells that it does not use these priorities (RFC 9218 2.1)", function()
        local peer = require("spec.support.rawpeer").open(world.port)
        assert.equal(1, peer:read().settings[frames.NO_RFC7540_PRIORITIES])
    end)
end)

describe("RFC 9113 6.4, RST_STREAM: a server", function()
    local world = conformance.server()

    world.ends_connection("on stream 0", "PROTOCOL_ERROR", frames.rst_stream(0, 8))
    world.ends_connection("a length of 3", "FRAME_SIZE_ERROR",
        frames.post(1) .. frames.frame(frames.RST_STREAM, 0, 1, "\0\0\8"))
    world.ends_connection("a length of 5", "FRAME_SIZE_ERROR",
        frames.post(1) .. frames.frame(frames.RST_STREAM, 0, 1, "\0\0\0\8\0"))
    world.accepts("error codes that nobody knows",
        frames.post(1) .. frames.rst_stream(1, 0xdeadbeef))
end)

describe("RFC 9113 6.10, CONTINUATION: a server", function()
    local world = conformance.server()

    local begun = frames.headers(1, block:sub(1, 10), frames.END_STREAM)

    world.ends_connection("as the first frame", "PROTOCOL_ERROR",
        frames.continuation(1, block, 4))
    world.ends_connection("after END_HEADERS", "PROTOCOL_ERROR",
        frames.get(1) .. frames.continuation(1, "", 4))
    world.ends_connection("on stream 0", "PROTOCOL_ERROR",
        begun .. frames.continuation(0, block:sub(11), 4))
    world.ends_connection("on another stream than its block's", "PROTOCOL_ERROR",
        begun .. frames.continuation(3, block:sub(11), 4))

    for title, frame in pairs{
        DATA = frames.data(1, "x"), HEADERS = frames.get(3), PING = frames.ping(),
        SETTINGS = frames.settings(), PRIORITY = frames.priority(3, 0),
        WINDOW_UPDATE = frames.window_update(0, 1), RST_STREAM = frames.rst_stream(1, 8),
        GOAWAY = frames.goaway(0, 0), ["an unknown frame"] = frames.frame(0x20, 0, 0, ""),
        ["another stream's CONTINUATION"] = frames.continuation(5, "", 4),
    } do
        world.ends_connection(title .. " within a block", "PROTOCOL_ERROR", begun .. frame)
    end

    world.accepts("a block over eight frames", function(peer)
        peer:send(frames.headers(1, block:sub(1, 5), frames.END_STREAM))
        for at = 6, 12 do
            peer:send(frames.continuation(1, block:sub(at, at)))
        end
        peer:send(frames.continuation(1, block:sub(13), frames.END_HEADERS))
        assert.equal(200, peer:await_answer(1).status)
    end)
end)

describe("RFC 9113 6.2, 6.4, 6.10: a client", function()
    local world = conformance.client()

    world.ends_connection("HEADERS on stream 0", "PROTOCOL_ERROR", frames.response(0, 200))
    world.ends_connection("RST_STREAM on stream 0", "PROTOCOL_ERROR", frames.rst_stream(0, 8))
    world.ends_connection("RST_STREAM of a wrong length", "FRAME_SIZE_ERROR",
        frames.frame(frames.RST_STREAM, 0, 1, "\0\0\0"))
    world.ends_connection("CONTINUATION without HEADERS", "PROTOCOL_ERROR",
        frames.continuation(1, "", 4))
    world.ends_connection("PING within a block", "PROTOCOL_ERROR",
        frames.headers(1, hpack.index(8), 0) .. frames.ping())
end)
