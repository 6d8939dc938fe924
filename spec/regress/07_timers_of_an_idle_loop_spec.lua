-- The loop's clock stands still while it does not run: a timer that was started after a long pause
-- had its time counted from before that pause.
local http2 = require("http2")
local socket = require("socket")
local timers = require("http2.timers")

describe("A timer started while the loop does not run", function()
    it("takes its whole time", function()
        timers.setTimeout(function() end, 1)
        http2.run()
        socket.sleep(0.2)
        local began, ended = socket.gettime(), nil
        timers.setTimeout(function()
            ended = socket.gettime()
        end, 100)
        http2.run()
        assert.is_true(ended - began > 0.09)
    end)
end)
