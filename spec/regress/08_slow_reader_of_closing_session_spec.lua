-- A session that was closed gave a peer one second to take what was said, and then cut it off with
-- octets of complete responses still unsent.
local http2 = require("http2")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")

describe("A session that is closed", function()
    after_each(loop.clean)

    it("leaves a slow peer the time to read", function()
        local size = 2000000
        local server = loop.track(http2.createServer())
        server:on("stream", function(stream)
            stream:respond()
            stream:finish(("x"):rep(size))
            stream.session:close()
        end)
        server:listen(0, "127.0.0.1")
        local peer = rawpeer.connect(rawpeer.port_of(server), {{4, 10000000}}, 4096)
        peer:send(frames.window_update(0, 10000000), frames.get(1))
        rawpeer.turn_for(1.5)
        local got = 0
        local frame
        repeat
            frame = peer:read()
            if frame and frame.type == frames.DATA then
                got = got + #frame.payload
                peer.socket:send(frames.window_update(0, #frame.payload))
            end
        until not frame or frames.has(frame, frames.END_STREAM) and frame.type == frames.DATA
        assert.equal(size, got)
        peer:await_end()
        peer:close()
        server:close()
        loop.run()
    end)
end)
