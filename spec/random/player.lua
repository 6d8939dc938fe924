--- What the random programs share: chance, calls that may fail as documented, and the end, at which
--- nothing may be left. A program is called with a seed; what it does is decided by that and by the
--- order in which the sockets happen to be ready.
local http2 = require("http2")
local timers = require("http2.timers")
local leaks = require("spec.support.leaks")

local player = {seed = tonumber(arg[1]) or os.time(), rounds = tonumber(arg[2]) or 200}

local PATIENCE_MS = 120000
local random = math.random
math.randomseed(player.seed)

function player.fail(...)
    io.stderr:write("seed ", player.seed, ": ", table.concat({...}, " "), "\n")
    os.exit(1)
end

--- One of a sequence's values; false stands for none.
function player.pick(values)
    return values[random(#values)] or nil
end

--- True once in so many times.
function player.chance(times)
    return random(times) == 1
end

function player.body()
    return ("x"):rep(player.pick{0, 1, 10, 1000, 16384, 16385, 70000, 300000})
end

--- Calls object:name(...) if there is such a method. It may refuse with an error object only.
function player.attempt(object, name, ...)
    local method = object[name]
    if type(method) ~= "function" then
        return
    end
    local is_done, err = pcall(method, object, ...)
    if not is_done and not http2.isError(err) then
        player.fail(name, "raised", tostring(err))
    end
end

--- Calls use(...) after up to so many milliseconds.
function player.later(most_ms, use, ...)
    timers.setTimeout(use, random(0, most_ms), ...)
end

--- Calls step() player.rounds times with little pauses, then finish().
function player.play(step, finish)
    local left = player.rounds
    local function turn()
        if left == 0 then
            finish()
            return
        end
        left = left - 1
        step()
        player.later(3, turn)
    end
    turn()
end

local watched = leaks.watch()

--- Notes an object that has to be gone in the end, and keeps its errors from ending the program.
function player.watch(object)
    watched(object)
    object:on("error", function() end)
    return object
end

--- Runs the loop until it ends by itself, and sees what is left.
function player.run()
    timers.setTimeout(player.fail, PATIENCE_MS, "hangs"):unref()
    http2.run()
    if watched:alive() > 0 then
        player.fail(watched:alive(), "objects are left")
    end
    print("done")
end

return player
