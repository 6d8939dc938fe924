--- Counted callbacks: a listener that is called too seldom or too often is a failure, and garbage
--- is collected in every call, so that what is not anchored is missed at once.
---
---     local expected = expect.new()
---     stream:on("end", expected("end"))                         -- once
---     stream:on("data", expected("data", 3, function(chunk) ... end))
---     ... run the loop ...
---     expected:verify()
local expect = {}

local Expectations = {}
Expectations.__index = Expectations

function expect.new()
    return setmetatable({items = {}}, Expectations)
end

--- A callback that is to be called `times` times (once). `times` may be "any".
function Expectations:__call(name, times, fn)
    local item = {name = name, times = times or 1, calls = 0}
    self.items[#self.items + 1] = item
    return function(...)
        item.calls = item.calls + 1
        collectgarbage()
        if fn then
            return fn(...)
        end
    end
end

--- Fails unless each was called as often as it was to be.
function Expectations:verify()
    local wrong = {}
    for _, item in ipairs(self.items) do
        if item.times ~= "any" and item.calls ~= item.times then
            wrong[#wrong + 1] = ("%s: %d calls instead of %d"):format(
                item.name, item.calls, item.times)
        end
    end
    if #wrong > 0 then
        error(table.concat(wrong, "; "), 2)
    end
end

return expect
