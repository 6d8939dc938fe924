-- An immediate that made another one, and that one again, held up all else for ever with libuv
-- 1.44, which calls timers until none is due.
local loop = require("spec.support.loop")
local net = require("http2.net")
local timers = require("http2.timers")

describe("Immediates that make immediates", function()
    after_each(loop.clean)

    it("let timers and sockets have their turns", function()
        local immediates, heard, has_rung = 0, "", false
        local function again()
            immediates = immediates + 1
            if not has_rung or heard == "" then
                timers.setImmediate(again)
            end
        end
        local server = loop.track(net.createServer(function(socket)
            socket:on("data", function(chunk)
                heard = heard .. chunk
                socket:finish()
            end)
        end))
        server:listen(0, "127.0.0.1", function()
            timers.setImmediate(again)
            timers.setTimeout(function()
                has_rung = true
            end, 5)
            local client = net.connect(server:address().port, "127.0.0.1")
            client:resume():on("close", function()
                server:close()
            end)
            client:finish("x")
        end)
        loop.run()
        assert.equal("x", heard)
        assert.is_true(has_rung)
        assert.is_true(immediates > 1)
    end)

    it("can be taken back, and made of a closed one's refresh", function()
        local calls = 0
        timers.setTimeout(function()
            timers.setImmediate(function()
                calls = calls + 1
            end):close()
            local kept = timers.setImmediate(function()
                calls = calls + 10
            end)
            kept:refresh()
        end, 1)
        loop.run()
        assert.equal(10, calls)
    end)
end)
