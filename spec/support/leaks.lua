--- What a spec may leave behind: nothing.
local lfs = require("lfs")

local leaks = {}

local function read(path)
    local file = assert(io.open(path))
    local content = file:read("*a")
    file:close()
    return content
end

--- How many descriptors this process has open, with the one to look through.
function leaks.descriptors()
    local count = 0
    for name in lfs.dir("/proc/self/fd") do
        if name ~= "." and name ~= ".." then
            count = count + 1
        end
    end
    return count
end

--- The resident memory of this process in KiB, without garbage of Lua's.
function leaks.resident()
    collectgarbage()
    collectgarbage()
    return tonumber(read("/proc/self/status"):match("VmRSS:%s*(%d+)"))
end

--- Whether the resident memory is more than `by` KiB above `before`. Never under AddressSanitizer,
--- which keeps what is freed.
function leaks.has_grown(before, by)
    return not (os.getenv("LD_PRELOAD") or ""):find("asan") and leaks.resident() - before > by
end

--- Collects all there is to collect; objects with finalizers need more than one round.
function leaks.collect()
    for _ = 1, 4 do
        collectgarbage()
    end
    return collectgarbage("count")
end

--- Lua memory in KiB that `fn` keeps per call, once it has warmed up: the least of three times,
--- since Lua's own table of strings grows by leaps.
function leaks.growth(fn, rounds)
    fn()
    local least = math.huge
    for _ = 1, 3 do
        local before = leaks.collect()
        for _ = 1, rounds do
            fn()
        end
        least = math.min(least, (leaks.collect() - before) / rounds)
    end
    return least
end

--- A watch over objects: `watch(object)` notes one, `watch:alive()` tells how many still live.
function leaks.watch()
    local objects = setmetatable({}, {__mode = "k"})
    return setmetatable({
        alive = function()
            leaks.collect()
            local count = 0
            for _ in pairs(objects) do
                count = count + 1
            end
            return count
        end,
    }, {
        __call = function(_, object)
            objects[object] = true
            return object
        end,
    })
end

return leaks
