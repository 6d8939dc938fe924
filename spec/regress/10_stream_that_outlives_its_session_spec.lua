-- A complete response that was not read outlives its session; its timer went on for a stream that
-- nothing held any more.
local http2 = require("http2")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")
local timers = require("http2.timers")

describe("A stream that outlives its session", function()
    after_each(loop.clean)

    -- A request that `answer(stream)` answers; and its session, with which the server closes.
    local function fetch(answer)
        local server = loop.track(http2.createServer())
        server:on("stream", answer)
        server:listen(0, "127.0.0.1")
        local session = loop.track(http2.connect("http://127.0.0.1:" .. rawpeer.port_of(server)))
        session:on("close", function()
            server:close()
        end)
        return session:request({[":path"] = "/"}), session
    end

    it("has no timer any more", function()
        local is_told = false
        local stream, session = fetch(function(stream)
            stream:respond()
            stream:finish(("x"):rep(1000))
        end)
        stream:on("response", function() end)
        rawpeer.turn_until(function() return stream.closed or nil end)
        stream:setTimeout(1, function() is_told = true end)
        session:destroy()
        stream:setTimeout(1)
        stream = nil
        timers.setTimeout(function() end, 50)
        collectgarbage("stop") -- it is let go, but not collected yet
        loop.run()
        collectgarbage("restart")
        assert.is_false(is_told)
        assert.is_nil(stream)
    end)
end)
