local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")

describe("RFC 9113 6.1, DATA: a server", function()
    local world = conformance.server()

    world.ends_connection("on stream 0", "PROTOCOL_ERROR", frames.data(0, "x"))
    world.ends_connection("padding as long as the payload", "PROTOCOL_ERROR",
        frames.post(1) .. frames.frame(frames.DATA, frames.PADDED, 1, "\3ab"))
    world.ends_connection("padding longer than the payload", "PROTOCOL_ERROR",
        frames.post(1) .. frames.frame(frames.DATA, frames.PADDED, 1, "\255ab"))
    world.ends_connection("padded, without the octet that tells how much", "FRAME_SIZE_ERROR",
        frames.post(1) .. frames.frame(frames.DATA, frames.PADDED, 1, ""))

    world.accepts("nothing but padding", frames.post(1)
        .. frames.data(1, "", 0, 0) .. frames.data(1, "", 0, 255)
        .. frames.data(1, "", frames.END_STREAM, 10))
    world.accepts("padding that is not zero", frames.post(1)
        .. frames.frame(frames.DATA, frames.PADDED | frames.END_STREAM, 1, "\2okxy"))

    it("gives the body without the padding", function()
        local body = {}
        world.handler = function(stream)
            stream:on("data", function(chunk)
                body[#body + 1] = chunk
            end)
            stream:on("end", function()
                stream:respond()
                stream:finish()
            end)
        end
        local peer = world.connect()
        peer:send(frames.post(1), frames.data(1, "one ", 0, 7), frames.data(1, "two ", 0, 0),
            frames.data(1, "three", frames.END_STREAM, 255))
        peer:await_answer(1)
        assert.equal("one two three", table.concat(body))
    end)
end)

describe("RFC 9113 6.1, DATA: a client", function()
    local world = conformance.client()

    world.ends_connection("on stream 0", "PROTOCOL_ERROR",
        frames.response(1, 200) .. frames.data(0, "x"))
    world.ends_connection("padding as long as the payload", "PROTOCOL_ERROR",
        frames.response(1, 200) .. frames.frame(frames.DATA, frames.PADDED, 1, "\3ab"))
end)

describe("RFC 9113 6.1, DATA: a client that still uploads", function()
    local world = conformance.client(nil, "POST")

    world.ends_connection("after the server has ended the stream", "STREAM_CLOSED",
        frames.response(1, 200) .. frames.data(1, "x", frames.END_STREAM) .. frames.data(1, "y"))
end)
