local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local rawpeer = require("spec.support.rawpeer")

-- {title, code, frame} of what neither a server nor a client may take.
local wrong = {
    {"on a stream", "PROTOCOL_ERROR", frames.frame(frames.SETTINGS, 0, 1, "")},
    {"a length of 5", "FRAME_SIZE_ERROR", frames.frame(frames.SETTINGS, 0, 0, "\0\3\0\0\0")},
    {"a length of 7", "FRAME_SIZE_ERROR", frames.frame(frames.SETTINGS, 0, 0, "\0\3\0\0\0\1\0")},
    {"an acknowledgement with a payload", "FRAME_SIZE_ERROR",
        frames.settings({{frames.MAX_CONCURRENT_STREAMS, 1}}, frames.ACK)},
    {"ENABLE_PUSH 2", "PROTOCOL_ERROR", frames.settings{{frames.ENABLE_PUSH, 2}}},
    {"INITIAL_WINDOW_SIZE 2^31", "FLOW_CONTROL_ERROR",
        frames.settings{{frames.INITIAL_WINDOW_SIZE, 0x80000000}}},
    {"MAX_FRAME_SIZE 16383", "PROTOCOL_ERROR", frames.settings{{frames.MAX_FRAME_SIZE, 16383}}},
    {"MAX_FRAME_SIZE 0", "PROTOCOL_ERROR", frames.settings{{frames.MAX_FRAME_SIZE, 0}}},
    {"MAX_FRAME_SIZE 2^24", "PROTOCOL_ERROR", frames.settings{{frames.MAX_FRAME_SIZE, 1 << 24}}},
    {"ENABLE_CONNECT_PROTOCOL 2 (RFC 8441)", "PROTOCOL_ERROR",
        frames.settings{{frames.ENABLE_CONNECT_PROTOCOL, 2}}},
    {"a bad value among good ones", "PROTOCOL_ERROR", frames.settings{
        {frames.INITIAL_WINDOW_SIZE, 1}, {frames.ENABLE_PUSH, 3}, {0xff, 1},
    }},
}

describe("RFC 9113 6.5, SETTINGS: a server", function()
    local world = conformance.server()

    for _, case in ipairs(wrong) do
        world.ends_connection(case[1], case[2], case[3])
    end

    world.ends_connection("an acknowledgement that nothing asked for", "PROTOCOL_ERROR",
        frames.settings_ack():rep(2))
    world.ends_connection("windows that it carries past 2^31 - 1 (6.9.2)", "FLOW_CONTROL_ERROR",
        frames.post(1) .. frames.window_update(1, 1000)
            .. frames.settings{{frames.INITIAL_WINDOW_SIZE, 0x7fffffff}})

    world.accepts("the largest and smallest values", frames.settings{
        {frames.HEADER_TABLE_SIZE, 0}, {frames.HEADER_TABLE_SIZE, 0xffffffff},
        {frames.ENABLE_PUSH, 0}, {frames.ENABLE_PUSH, 1},
        {frames.MAX_CONCURRENT_STREAMS, 0}, {frames.MAX_CONCURRENT_STREAMS, 0xffffffff},
        {frames.INITIAL_WINDOW_SIZE, 0}, {frames.INITIAL_WINDOW_SIZE, 0x7fffffff},
        {frames.MAX_FRAME_SIZE, 16384}, {frames.MAX_FRAME_SIZE, 0xffffff},
        {frames.MAX_HEADER_LIST_SIZE, 0xffffffff}, {frames.ENABLE_CONNECT_PROTOCOL, 0},
    })

    world.accepts("settings that nobody knows",
        frames.settings{{0, 1}, {7, 0xffffffff}, {0xffff, 0}})

    it("acknowledges each frame, in order", function()
        local peer = world.connect()
        peer:await_settings_ack()
        for _ = 1, 5 do
            peer:send(frames.settings(), frames.settings{{frames.INITIAL_WINDOW_SIZE, 10}})
        end
        local acknowledged = 0
        for _, frame in ipairs(peer:await_pong()) do
            if frame.type == frames.SETTINGS then
                assert.is_true(frames.has(frame, frames.ACK))
                acknowledged = acknowledged + 1
            end
        end
        assert.equal(10, acknowledged)
    end)

    it("takes the last of several values for one setting", function()
        world.handler = function(stream)
            stream:respond()
            stream:finish("0123456789")
        end
        local peer = world.connect({
            {frames.INITIAL_WINDOW_SIZE, 0}, {frames.INITIAL_WINDOW_SIZE, 4},
        })
        peer:await_settings_ack()
        peer:send(frames.get(1))
        assert.equal("0123", peer:await_frame(frames.DATA, 1).payload)
    end)

    it("sends no larger frames than MAX_FRAME_SIZE allows, and uses what it allows", function()
        world.handler = function(stream)
            stream:respond()
            stream:finish(("x"):rep(60000))
        end
        local peer = world.connect({{frames.MAX_FRAME_SIZE, 30000}})
        peer:await_settings_ack()
        peer:send(frames.get(1))
        local total = 0
        while total < 60000 do
            local octets = #peer:await_frame(frames.DATA, 1).payload
            assert.is_true(octets <= 30000)
            total = total + octets
        end
    end)

    it("announces what it was given", function()
        local server = require("spec.support.pair").serve({server_options = {settings = {
            headerTableSize = 1000, maxConcurrentStreams = 7, initialWindowSize = 1234,
            maxFrameSize = 20000, maxHeaderListSize = 9999, enableConnectProtocol = true,
        }}}, function() end)
        local settings = rawpeer.open(rawpeer.port_of(server)):read().settings
        assert.equal(1000, settings[frames.HEADER_TABLE_SIZE])
        assert.equal(7, settings[frames.MAX_CONCURRENT_STREAMS])
        assert.equal(1234, settings[frames.INITIAL_WINDOW_SIZE])
        assert.equal(20000, settings[frames.MAX_FRAME_SIZE])
        assert.equal(9999, settings[frames.MAX_HEADER_LIST_SIZE])
        assert.equal(1, settings[frames.ENABLE_CONNECT_PROTOCOL])
        assert.is_nil(settings[frames.ENABLE_PUSH])
    end)

    world.ends_connection("ENABLE_CONNECT_PROTOCOL taken back (RFC 8441 3)", "PROTOCOL_ERROR",
        frames.settings{{frames.ENABLE_CONNECT_PROTOCOL, 1}}
            .. frames.settings{{frames.ENABLE_CONNECT_PROTOCOL, 0}})
end)

describe("RFC 9113 6.5, SETTINGS: a client", function()
    local world = conformance.client()

    for _, case in ipairs(wrong) do
        world.ends_connection(case[1], case[2], case[3])
    end

    world.ends_connection("ENABLE_PUSH 1 from a server (7.2)", "PROTOCOL_ERROR",
        frames.settings{{frames.ENABLE_PUSH, 1}})
    world.accepts("ENABLE_PUSH 0 from a server", frames.settings{{frames.ENABLE_PUSH, 0}})
    world.accepts("settings that nobody knows", frames.settings{{0x1234, 5}})
end)
