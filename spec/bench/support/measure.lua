--- What the cases have in common: how long to measure, where things are, and which core does what.
local cert = require("spec.support.cert")
local process = require("spec.support.process")

local measure = {}

measure.build = os.getenv("BUILD") or "build/bench/module"

-- Rounds of a case, and of one that shows a curve or needs minutes; seconds of a load and before it
-- is counted; what part of the work is done where work is counted, not timed.
local sizes = {
    full = {rounds = 5, slow_rounds = 5, seconds = 4, warm_up = 1, part = 1},
    medium = {rounds = 3, slow_rounds = 1, seconds = 1, warm_up = 0.3, part = 0.15},
    quick = {rounds = 1, slow_rounds = 1, seconds = 0.5, warm_up = 0.2, part = 0.1},
}

measure.settings = sizes.full

--- Measures as a run of the size "full", "medium" or "quick" does.
function measure.be(size)
    measure.settings = sizes[size]
end

--- What else the command line may set: rounds of every case, and seconds of a load.
function measure.set(name, value)
    measure.settings[name] = value
    if name == "rounds" then
        measure.settings.slow_rounds = value
    end
end

--- A number of things to do, fewer in a quick run.
function measure.amount(number)
    return math.max(1, math.floor(number * measure.settings.part))
end

--- The first of a list in a quick run, else all.
function measure.some(list)
    return measure.settings == sizes.quick and {list[1]} or list
end

local function cores()
    local listing = io.popen("nproc")
    local number = tonumber(listing:read("l"))
    listing:close()
    return number
end

measure.cores = cores()

--- The words of a command that is to run on the server's core, or on that of the load.
function measure.pin(side, argv)
    if measure.cores < 2 then
        return argv
    end
    local words = {"taskset", "-c", side == "server" and "0" or "1"}
    return table.move(argv, 1, #argv, #words + 1, words)
end

--- Where the module for an interpreter is, as environment variables.
function measure.lua_environment(interpreter)
    local folder = measure.build .. (interpreter == "luajit" and "/luajit" or "")
    return {
        LUA_PATH = "./lua/?.lua;./lua/?/init.lua;./?.lua;;",
        LUA_CPATH = "./" .. folder .. "/?.so;" .. folder .. "/?.so;;",
    }
end

--- The folder that file servers serve: files named after their size, and the same below file/.
function measure.root()
    local root = "build/bench/root"
    if process.read_file(root .. "/13") == "" then
        os.execute("mkdir -p " .. root .. "/file")
        process.write_file(root .. "/13", "hello, world\n")
        for _, size in ipairs{1024, 16384, 1 << 20, 100 << 20} do
            process.write_file(root .. "/" .. size, ("x"):rep(size))
            os.execute(("ln -f %s/%d %s/file/%d"):format(root, size, root, size))
        end
    end
    return root
end

measure.key = cert.path("server.key")
measure.certificate = cert.path("server.crt")
measure.authority = cert.path("ca.crt")

return measure
