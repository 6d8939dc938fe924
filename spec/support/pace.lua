--- For what a test can tell only by the time that things take: the machine may stand still in the
--- middle of it, so that a timer which was to come second is due together with the first.
local loop = require("spec.support.loop")
local timers = require("http2.timers")

local pace = {}

local first_ms, last_ms = 20, 1280

--- Calls `fn(unit)` with ever more milliseconds for its unit of time, until it does not fail. What
--- is wrong, and not only late, fails with all of them.
function pace.try(fn)
    local unit = first_ms
    while true do
        local ok, err = pcall(fn, unit)
        if ok then
            return
        elseif unit >= last_ms then
            error(err, 0)
        end
        loop.clean()
        unit = unit * 2
    end
end

--- Calls `settled(value)` when `get()` has given the same value for twenty turns of the loop, 20 ms
--- apart: a machine that stood still has had its chance.
function pace.when_settled(get, settled)
    local last, same = nil, 0
    local timer
    timer = timers.setInterval(function()
        local now = get()
        same = now == last and same + 1 or 0
        last = now
        if same == 20 then
            timers.clearInterval(timer)
            settled(now)
        end
    end, 20)
end

return pace
