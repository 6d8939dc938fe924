--- The time of the differential scenarios. It stands still for as long as anything happens: what a
--- program has put off with `t.after(ms, fn)` is called when no side has anything left to do, in
--- the order of its time. So no trace depends on the pace of the machine.
local socket = require("socket")
local node = require("spec.support.node")
local rawpeer = require("spec.support.rawpeer")

local clock = {}

-- It is calm when so many rounds have brought nothing: in a round every event loop turns, Node's
-- around a timer of its own, ours so many times.
local rounds_of_calm, round_seconds, turns_of_round = 2, 0.003, 4

local state -- of the scenario that is played

--- Begins a scenario: `turn()` is called again and again, and gives a number that changes whenever
--- something happens.
function clock.start(turn)
    state = {turn = turn, activity = 0, now = 0, due = {}, count = 0, calm = 0}
    rawpeer.on_turn = clock.turn
end

function clock.stop()
    state, rawpeer.on_turn = nil, nil
end

--- Puts a call off. What is due at the same time is called in the order of `rank`, then as it came.
function clock.after(ms, fn, rank)
    if state then -- else what is over
        state.count = state.count + 1
        table.insert(state.due, {at = state.now + ms, rank = rank or 0, count = state.count,
            fn = fn})
    end
end

local function is_before(a, b)
    if a.at ~= b.at then
        return a.at < b.at
    elseif a.rank ~= b.rank then
        return a.rank < b.rank
    end
    return a.count < b.count
end

local function call_next()
    table.sort(state.due, is_before)
    local first = table.remove(state.due, 1)
    state.now = first.at
    first.fn()
end

local function begin_round()
    state.is_busy, state.turns = false, 0
    state.round_end = socket.gettime() + round_seconds
    state.sync = node.sync()
end

local function is_round_over()
    return state.turns >= turns_of_round and node.is_synced(state.sync)
        and socket.gettime() >= state.round_end
end

-- Goes on with the rounds; true when it has become calm.
local function watch()
    if not state.sync then
        begin_round()
    end
    state.turns = state.turns + 1
    if not is_round_over() then
        return false
    end
    state.calm = state.is_busy and 0 or state.calm + 1
    state.sync = nil
    if state.calm < rounds_of_calm then
        return false
    end
    state.calm = 0
    return true
end

--- Goes on while somebody waits: the hook of rawpeer.turn_until.
function clock.turn()
    node.turn()
    local activity = state.turn()
    state.is_busy = state.is_busy or activity ~= state.activity
    state.activity = activity
    local wants_calm = state.on_calm or #state.due > 0
    if wants_calm and watch() then
        if state.on_calm then
            state.on_calm()
        else
            call_next()
        end
    end
end

--- Waits until nothing happens any more; what is put off is left alone.
function clock.settle()
    local is_calm
    state.on_calm = function() is_calm = true end
    assert(rawpeer.turn_until(function() return is_calm end, 60), "it does not calm down")
    state.on_calm = nil
end

--- Waits for so long.
function clock.wait(ms)
    local is_over
    clock.after(ms, function() is_over = true end, 9)
    assert(rawpeer.turn_until(function() return is_over end, 60), "it does not calm down")
end

return clock
