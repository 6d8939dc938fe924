-- What sessions and streams have cost, by a performance observer.
local http2 = require("http2")
local perf_hooks = require("http2.perf_hooks")

local observer = perf_hooks.PerformanceObserver(function(list)
    for _, entry in ipairs(list:getEntries()) do
        if entry.name == "Http2Session" then
            print(entry.type, entry.streamCount .. " streams", entry.framesSent > 0)
        elseif entry.name == "Http2Stream" then
            print("stream " .. entry.id, entry.bytesRead .. " in", entry.bytesWritten .. " out")
        end
    end
end)
observer:observe{entryTypes = {"http2"}}

local server = http2.createServer()

server:on("stream", function(stream)
    stream:respond({[":status"] = 200})
    stream:pipe(stream)
end)

server:listen(0, "127.0.0.1", function()
    local session = http2.connect("http://127.0.0.1:" .. server:address().port)
    local stream = session:request({[":method"] = "POST"})
    stream:resume()
    stream:finish(("x"):rep(1000))
    stream:on("close", function()
        session:close()
        server:close()
    end)
end)

http2.run()
