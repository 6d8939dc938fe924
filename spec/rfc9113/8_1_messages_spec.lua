-- RFC 9113 8.1: requests, responses, trailers and the length of their bodies.
local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")

describe("RFC 9113 8.1, requests: a server", function()
    local world = conformance.server()

    local function posted(more, ...)
        return frames.post(1, "/", more) .. table.concat({...})
    end

    world.resets_stream("a second HEADERS without END_STREAM", "PROTOCOL_ERROR",
        posted({}, frames.headers(1, {"x-sum", "1"})))
    world.resets_stream("pseudo-fields in trailers", "PROTOCOL_ERROR",
        posted({}, frames.headers(1, {":path", "/"}, 5)))
    world.resets_stream("connection fields in trailers", "PROTOCOL_ERROR",
        posted({}, frames.headers(1, {"transfer-encoding", "chunked"}, 5)))
    world.resets_stream("upper-case names in trailers", "PROTOCOL_ERROR",
        posted({}, frames.headers(1, {"X-Sum", "1"}, 5)))

    -- content-length (8.1.1)
    world.resets_stream("a body shorter than content-length", "PROTOCOL_ERROR",
        posted({"content-length", "10"}, frames.data(1, "123456789", frames.END_STREAM)))
    world.resets_stream("a body longer than content-length", "PROTOCOL_ERROR",
        posted({"content-length", "10"}, frames.data(1, "12345678901", frames.END_STREAM)))
    world.resets_stream("a body longer than content-length, before its end", "PROTOCOL_ERROR",
        posted({"content-length", "10"}, frames.data(1, "12345678901")))
    world.resets_stream("content-length and no body", "PROTOCOL_ERROR",
        frames.get(1, "/", {"content-length", "5"}))
    world.resets_stream("a body where content-length is 0", "PROTOCOL_ERROR",
        posted({"content-length", "0"}, frames.data(1, "x", frames.END_STREAM)))
    world.resets_stream("trailers before content-length is reached", "PROTOCOL_ERROR",
        posted({"content-length", "5"}, frames.data(1, "1234"), frames.headers(1, {"x", "y"}, 5)))

    for _, value in ipairs{"+5", "-1", "5,5", "0x5", "", "5 ", "18446744073709551621", "1e1"} do
        world.resets_stream(("content-length %q"):format(value), "PROTOCOL_ERROR",
            posted({"content-length", value}))
    end
    world.resets_stream("two different content-lengths", "PROTOCOL_ERROR",
        posted({"content-length", "5", "content-length", "6"}))

    world.accepts("a body of exactly content-length, in pieces, padded",
        posted({"content-length", "10"}, frames.data(1, "12345", 0, 9), frames.data(1, ""),
            frames.data(1, "67890", frames.END_STREAM, 0)))
    world.accepts("content-length 0 and no body", frames.get(1, "/", {"content-length", "0"}))

    it("does not call the handler for a request that is malformed from the start", function()
        local peer = world.connect()
        peer:send(frames.get(1, "/", {"content-length", "5"}))
        peer:await_reset(1, "PROTOCOL_ERROR")
        assert.same({}, world.requests)
    end)

    it("does not show the end of a body that is malformed", function()
        local ended, err = false, nil
        world.handler = function(stream)
            stream:on("end", function()
                ended = true
            end)
            stream:on("error", function(e)
                err = e
            end)
            stream:resume()
        end
        local peer = world.connect()
        peer:send(frames.post(1, "/", {"content-length", "10"}))
        peer:await_pong()
        peer:send(frames.data(1, "short", frames.END_STREAM))
        peer:await_reset(1, "PROTOCOL_ERROR")
        peer:await_pong()
        assert.is_false(ended)
        assert.equal("ERR_HTTP2_STREAM_ERROR", err.code)
    end)

    it("answers HEAD with HEADERS alone", function()
        local peer = world.connect()
        peer:send(frames.headers(1, frames.request_fields("HEAD", "/"), 5))
        local answer = peer:await_answer(1)
        assert.equal(200, answer.status)
        assert.equal("", answer.body)
    end)

    it("may answer before it has the whole request, and then asks it to stop", function()
        world.handler = function(stream)
            stream:respond()
            stream:finish("enough")
        end
        local peer = world.connect()
        peer:send(frames.post(1), frames.data(1, "the beginning"))
        assert.equal("enough", peer:await_answer(1).body)
        peer:await_reset(1, "NO_ERROR")
        world.handler = nil
        world.serves(peer)
    end)
end)

describe("RFC 9113 8.1, responses: a client", function()
    local world = conformance.client()

    world.resets_stream("DATA before a response", "PROTOCOL_ERROR", frames.data(1, "x"))
    world.resets_stream("an interim response that ends the stream", "PROTOCOL_ERROR",
        frames.response(1, 103, nil, 5))
    world.resets_stream("DATA after an interim response", "PROTOCOL_ERROR",
        frames.response(1, 103) .. frames.data(1, "x"))
    world.resets_stream("101 Switching Protocols (8.6)", "PROTOCOL_ERROR",
        frames.response(1, 101))
    world.resets_stream("HEADERS without END_STREAM after the response", "PROTOCOL_ERROR",
        frames.response(1, 200) .. frames.headers(1, {"x", "y"}))
    world.resets_stream("pseudo-fields in trailers", "PROTOCOL_ERROR",
        frames.response(1, 200) .. frames.headers(1, {":status", "200"}, 5))
    world.resets_stream("a body shorter than content-length", "PROTOCOL_ERROR",
        frames.response(1, 200, {"content-length", "5"}) .. frames.data(1, "1234", 1))
    world.resets_stream("a body longer than content-length", "PROTOCOL_ERROR",
        frames.response(1, 200, {"content-length", "5"}) .. frames.data(1, "123456"))
    world.resets_stream("content-length and no body", "PROTOCOL_ERROR",
        frames.response(1, 200, {"content-length", "5"}, 5))
    world.resets_stream("a body in a 204", "PROTOCOL_ERROR",
        frames.response(1, 204) .. frames.data(1, "x", 1))

    it("takes 304 with a content-length and no body", function()
        local peer = world.connect()
        peer:send(frames.response(1, 304, {"content-length", "5"}, 5))
        world.serves(peer)
        assert.equal(304, world.responses[1][":status"])
        assert.is_nil(world.stream_err)
    end)
end)

describe("RFC 9113 8.1, responses to HEAD: a client", function()
    local world = conformance.client(nil, "HEAD")

    world.resets_stream("a body", "PROTOCOL_ERROR",
        frames.response(1, 200) .. frames.data(1, "x", 1))

    it("takes content-length without a body", function()
        local peer = world.connect()
        peer:send(frames.response(1, 200, {"content-length", "5"}, 5))
        world.serves(peer)
        assert.equal(200, world.responses[1][":status"])
        assert.is_nil(world.stream_err)
    end)
end)
