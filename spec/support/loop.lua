--- Runs the library's loop inside one test, with a watchdog, and cleans up after one that failed.
--- Works under Lua 5.4 and LuaJIT.
local http2 = require("http2")
local timers = require("http2.timers")

local loop = {}

local opened = {}

--- Notes a server or session, which `loop.clean` is to end if the test does not.
function loop.track(object)
    opened[#opened + 1] = object
    return object
end

--- Ends what tests left open; for `after_each`.
function loop.clean()
    local left = opened
    opened = {}
    for _, object in ipairs(left) do
        pcall(function()
            return (object.destroy or object.close)(object)
        end)
    end
    collectgarbage() -- closes the sockets of scripted peers that a failed test has dropped
    for _ = 1, 100 do
        local ok, alive = pcall(http2.run, "nowait")
        if ok and not alive then
            break
        end
    end
end

--- Whether the loop comes to have nothing left to do. What earlier tests have left, as the last
--- words of their sessions, may take its time.
function loop.is_idle()
    local deadline = os.time() + 5
    repeat
        if not http2.run("nowait") then
            return true
        end
    until os.time() > deadline
    return false
end

--- Runs until nothing is left to do; what still runs after `seconds` (30) is an error. No spec
--- waits as long as that: the time is for machines that have much else to do. Time in which the
--- machine stood still does not count.
function loop.run(seconds)
    seconds = seconds or 30
    local left = seconds
    local watchdog = timers.setInterval(function()
        left = left - 1
        if left <= 0 then
            error(("the loop still runs after %g s"):format(seconds), 0)
        end
    end, 1000)
    watchdog:unref()
    local ok, err = pcall(http2.run)
    timers.clearInterval(watchdog)
    if not ok then
        error(err, 0)
    end
end

return loop
