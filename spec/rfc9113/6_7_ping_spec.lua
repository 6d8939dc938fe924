local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")

local wrong = {
    {"on a stream", "PROTOCOL_ERROR", frames.frame(frames.PING, 0, 1, "12345678")},
    {"a length of 7", "FRAME_SIZE_ERROR", frames.frame(frames.PING, 0, 0, "1234567")},
    {"a length of 9", "FRAME_SIZE_ERROR", frames.frame(frames.PING, 0, 0, "123456789")},
    {"an answer that nothing asked for", "PROTOCOL_ERROR", frames.ping(nil, frames.ACK)},
}

describe("RFC 9113 6.7, PING: a server", function()
    local world = conformance.server()

    for _, case in ipairs(wrong) do
        world.ends_connection(case[1], case[2], case[3])
    end

    it("answers with the same octets, in order", function()
        local peer = world.connect()
        peer:send(frames.ping("first..."), frames.ping("\0\1\2\3\4\5\6\255"))
        for _, octets in ipairs{"first...", "\0\1\2\3\4\5\6\255"} do
            local answer = peer:await_frame(frames.PING)
            assert.equal(frames.ACK, answer.flags)
            assert.equal(octets, answer.payload)
        end
    end)

    it("answers before bodies that wait", function()
        world.handler = function(stream)
            stream:respond()
            stream:finish(("x"):rep(30000000))
        end
        local peer = world.connect()
        peer:send(frames.window_update(0, 100000000), frames.settings{
            {frames.INITIAL_WINDOW_SIZE, 100000000}})
        peer:send(frames.get(1))
        peer:await_frame(frames.DATA, 1)
        assert.is_true(#peer:await_pong() < 1000, "the whole body came before the answer")
    end)
end)

describe("RFC 9113 6.7, PING: a client", function()
    local world = conformance.client()

    for _, case in ipairs(wrong) do
        world.ends_connection(case[1], case[2], case[3])
    end

    it("answers with the same octets", function()
        local peer = world.connect()
        peer:send(frames.ping("12345678"))
        assert.equal("12345678", peer:await_frame(frames.PING).payload)
    end)
end)
