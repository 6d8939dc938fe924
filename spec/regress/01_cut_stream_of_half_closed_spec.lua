-- The peer's FIN ends the streams whose requests are cut, while others are still answered: the
-- engine's word on the former came after their objects were gone, and let go of them a second time.
local http2 = require("http2")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")

describe("A server session that is half closed", function()
    after_each(loop.clean)

    it("ends requests that were cut once, and answers those that came whole", function()
        local closed, whole = {}, nil
        local server = loop.track(http2.createServer())
        server:on("stream", function(stream)
            local id = stream.id
            stream:on("aborted", collectgarbage)
            stream:on("close", function()
                closed[#closed + 1] = id
                collectgarbage()
            end)
            if stream.endAfterHeaders then
                whole = stream
            end
        end)
        server:listen(0, "127.0.0.1")
        local peer = rawpeer.connect(rawpeer.port_of(server))
        peer:send(frames.post(1), frames.post(3), frames.get(5))
        assert(rawpeer.turn_until(function() return whole end))
        peer.socket:shutdown("send")
        assert(rawpeer.turn_until(function() return #closed == 2 or nil end))
        collectgarbage()
        collectgarbage()
        rawpeer.turn_for(0.05)
        whole:respond()
        whole:finish("whole")
        assert.equal("whole", peer:await_answer(5).body)
        peer:await_end()
        peer:close()
        assert.same({1, 3, 5}, closed)
        server:close()
        loop.run()
    end)
end)
