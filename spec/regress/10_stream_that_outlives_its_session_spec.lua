-- A response that is complete but not read outlives its session. Its timer went on for a stream that
-- nothing held; and a session destroyed in the listener of "end" left the end of the stream without the
-- session it asked.
local http2 = require("http2")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")

describe("A stream that outlives its session", function()
    after_each(loop.clean)

    -- A request for 1000 octets; and its session, with which the server closes.
    local function fetch()
        local server = loop.track(http2.createServer())
        server:on("stream", function(stream)
            stream:respond()
            stream:finish(("x"):rep(1000))
        end)
        server:listen(0, "127.0.0.1")
        local session = loop.track(http2.connect("http://127.0.0.1:" .. rawpeer.port_of(server)))
        session:on("close", function() server:close() end)
        return session:request({[":path"] = "/"}), session
    end

    it("has no timer any more", function()
        local is_told = false
        local stream, session = fetch()
        stream:on("response", function() end)
        rawpeer.turn_until(function() return stream.closed or nil end)
        stream:setTimeout(1, function() is_told = true end)
        session:destroy()
        stream:setTimeout(1)
        stream = nil
        collectgarbage("stop") -- it is let go, but not collected yet
        rawpeer.turn_for(0.05)
        collectgarbage("restart")
        loop.run()
        assert.is_false(is_told)
        assert.is_nil(stream)
    end)

    it("ends though the listener of its end destroys the session", function()
        local events = {}
        local stream, session = fetch()
        stream:resume()
        stream:on("end", function()
            events[#events + 1] = "end"
            session:destroy()
        end)
        stream:on("close", function() events[#events + 1] = "close" end)
        loop.run()
        assert.same({"end", "close"}, events)
    end)
end)
