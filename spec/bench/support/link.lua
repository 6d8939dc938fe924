--- Two network namespaces with a path of some milliseconds between them (delay_link.c). Needs root.
local measure = require("spec.bench.support.measure")
local process = require("spec.support.process")

local link = {near = "10.77.0.1", far = "10.77.0.2"}

local function ip(...)
    local result = process.run({"ip", ...})
    if result.status ~= 0 then
        error("ip " .. table.concat({...}, " ") .. ": " .. result.err, 0)
    end
end

-- The name ends in the number of the shell that started this, which cleans up after it.
local function namespace(side)
    return ("http2-bench-%s-%s"):format(side, os.getenv("HTTP2_BENCH_ID") or "0")
end

local function set_up(name, own, other)
    ip("-n", name, "address", "add", own, "peer", other, "dev", "delay")
    ip("-n", name, "link", "set", "delay", "up")
    ip("-n", name, "link", "set", "lo", "up")
end

--- Words before a command so that it runs at one end.
function link.near_end(argv)
    return table.move(argv, 1, #argv, 5, {"ip", "netns", "exec", namespace("a")})
end

function link.far_end(argv)
    return table.move(argv, 1, #argv, 5, {"ip", "netns", "exec", namespace("b")})
end

--- Runs `body` while the path is there; gives what that gives.
function link.with(one_way_ms, body)
    local near, far, program = namespace("a"), namespace("b"), nil
    local is_done, value = pcall(function()
        ip("netns", "add", near)
        ip("netns", "add", far)
        program = process.start(
            {measure.build .. "/spec/bench/delay_link", near, far, tostring(one_way_ms)},
            {seconds = 3600})
        program:wait_for_output("ready")
        set_up(near, link.near, link.far)
        set_up(far, link.far, link.near)
        return body()
    end)
    if program then
        program:stop()
    end
    process.run({"ip", "netns", "delete", near})
    process.run({"ip", "netns", "delete", far})
    if not is_done then
        error(value, 0)
    end
    return value
end

return link
