-- read() of a request with listeners of "data" emitted the event on the stream beneath, which has
-- none itself: a crash.
local http2 = require("http2")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")

describe("A request that is read by hand", function()
    after_each(loop.clean)

    it("still tells its listeners of data", function()
        local heard, got = {}
        local server = loop.track(http2.createServer())
        server:on("request", function(request, response)
            request:on("data", function(chunk)
                heard[#heard + 1] = chunk
            end)
            request:pause()
            request:on("readable", function()
                got = got or request:read()
            end)
            request:on("end", function()
                response:finish()
                server:close()
            end)
        end)
        server:listen(0, "127.0.0.1")
        local session = loop.track(http2.connect("http://127.0.0.1:" .. rawpeer.port_of(server)))
        local stream = session:request{[":method"] = "POST"}
        stream:resume()
        stream:on("end", function()
            session:close()
        end)
        stream:finish("some")
        loop.run()
        assert.equal("some", got)
        assert.same({"some"}, heard)
    end)
end)
