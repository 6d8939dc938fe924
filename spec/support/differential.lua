--- Differential scenarios: the same program, once for Node's http2 and once for the library, is to
--- be told the same, in the same order, and to put the same frames on the wire.
---
---     scenario{
---         "a request is answered",                  -- a sentence: the test's name
---         server = {                                -- two programs; `t` is a Tracer
---             node = [[ t.serve({}, stream => stream.respond()); ]],
---             lua = function(t, http2) ... end,
---         },
---         client = {node = ..., lua = ...},         -- or, in the place of one of the two:
---         peer = function(peer) ... end,            -- a scripted peer (spec.support.rawpeer)
---     }
---
--- With a peer ("nobody" for one that is never accepted) the traces "events" and "frames" of Node
--- and of the library are compared. With two programs all four pairs run, and the traces "client",
--- "client frames", "server", "server frames" of Node and of the library are compared that had the
--- same opposite. More fields:
---
---     by_object   asks for the order of events on each object only
---     shows       frames to be told besides: {"SETTINGS", "WINDOW_UPDATE"}
---     settings    those of the peer
---     is_sealed   two programs speak TLS: of their frames nothing is compared
---     only        the one of the programs, "client", whose traces are compared, and at whose end
---                 the scenario ends
---     silent      leaves preface and SETTINGS to the peer's script
---     lasts       cuts off, after so many seconds (of spec.support.clock), what does not end by
---                 itself
---     perhaps     a line of events that Node's trace has or has not, as the machine goes
---     varies      {pattern, replacement} of what varies in a line, as limits by the second do
---     differs     where the library differs on purpose: {"why", node = {"line", ...},
---                 lua = {"line", ...}, trace = "frames"} says that in this trace ("events" or
---                 "client" by default) the lines `lua` stand for Node's lines `node`
local busted = require("busted")
local http2 = require("http2")
local clock = require("spec.support.clock")
local loop = require("spec.support.loop")
local frames = require("spec.support.frames")
local node = require("spec.support.node")
local rawpeer = require("spec.support.rawpeer")
local relay = require("spec.support.relay")
local tracer = require("spec.support.tracer")
local wire = require("spec.support.wire")

local differential = {}

local patience = 30 -- seconds for a scenario that ends by itself

-- ------------------------------------------------------------------------------ the programs

-- Starts one of the two programs: an object with port, is_done, lines and finish().
local function start(program, implementation, port, rank)
    if implementation == "node" then
        local started
        started = node.new(program.node, port, function(ms, number)
            clock.after(ms, function() started:fire(number) end, rank)
        end)
        return started
    end
    local t = tracer.new(port)
    t.rank = rank
    program.lua(t, http2)
    return t
end

local function await_port(program)
    return assert(rawpeer.turn_until(function()
        return program.port
    end), "the server does not listen")
end

-- Lets all turn until `is_done()`, or for as long as the scenario lasts, and then until nothing
-- happens any more; false if it does not end.
local function await_end(scenario, is_done)
    local is_over = true
    if scenario.lasts then
        clock.wait(scenario.lasts * 1000)
    else
        is_over = rawpeer.turn_until(function()
            return is_done() or nil
        end, patience)
    end
    clock.settle()
    return is_over
end

-- Lines without what differs from run to run: ports, what the scenario names, and how often an
-- orderly GOAWAY is repeated on the way to the end of a session.
local function normalize(scenario, lines)
    local result, seen = {}, {}
    for _, line in ipairs(lines) do
        line = line:gsub("127%.0%.0%.1:%d+", "127.0.0.1:PORT")
        if scenario.varies then
            line = line:gsub(scenario.varies[1], scenario.varies[2])
        end
        local is_goaway = line:find("^session goaway 0 ") or line:find("^GOAWAY%(0%) NO_ERROR")
        if not (is_goaway and seen[line]) then
            result[#result + 1] = line
            seen[line] = true
        end
    end
    return result
end

-- Frames without PING, where the library measures the path with it while a body is on its way: when
-- its answer comes is up to the machine.
local function frames_of(scenario, lines)
    local result = {}
    for _, line in ipairs(lines) do
        if not (scenario.is_measured and line:find("^PING%(0%)")) then
            result[#result + 1] = line
        end
    end
    return normalize(scenario, result)
end

-- Ends a program and gives its trace.
local function trace_of(scenario, program, is_over)
    local lines = normalize(scenario, program:finish())
    if not is_over then
        lines[#lines + 1] = "(still open)"
    end
    return lines
end

-- --------------------------------------------------------------------- against a scripted peer

-- The peer of a client, accepted, or of a server, connected; both greet unless they are silent.
local function meet_client(scenario, listener)
    local peer = listener.accept_silent()
    peer.recorder = wire.new(true, scenario.shows)
    if not scenario.silent then
        peer:read_preface()
        peer:send(frames.settings(scenario.settings), frames.settings_ack())
    end
    return peer
end

local function meet_server(scenario, port)
    local peer = rawpeer.open(port)
    peer.recorder = wire.new(false, scenario.shows)
    if not scenario.silent then
        peer:send(frames.preface, frames.settings(scenario.settings))
        peer:await("the server's SETTINGS", function(frame)
            return frame.type == frames.SETTINGS and not frames.has(frame, frames.ACK)
        end)
    end
    return peer
end

local function run_with_peer(scenario, implementation)
    local program, peer
    local function fill()
        while peer and not peer.is_closed and peer:_fill() do end
    end
    clock.start(function()
        return (program and #program.lines or 0) + (peer and peer.recorder.octets or 0)
    end)
    if scenario.client then
        local listener = rawpeer.listen()
        program = start(scenario.client, implementation, listener.port)
        peer = scenario.peer ~= "nobody" and meet_client(scenario, listener) or nil
        listener.close()
    else
        program = start(scenario.server, implementation)
        peer = meet_server(scenario, await_port(program))
    end
    if peer then
        scenario.peer(peer)
    end
    local is_over = await_end(scenario, function()
        fill()
        return program.is_done
    end)
    fill()
    clock.stop()
    local traces = {
        events = trace_of(scenario, program, is_over),
        frames = normalize(scenario, peer and peer.recorder.lines or {}),
    }
    if peer then
        peer:close()
    end
    return traces
end

-- ------------------------------------------------------------------------------ of each other

local function run_pair(scenario, server_side, client_side)
    local server, between, client
    clock.start(function()
        if between then
            between:turn()
        end
        return (server and #server.lines or 0) + (client and #client.lines or 0)
            + (between and between:octets() or 0)
    end)
    server = start(scenario.server, server_side, nil, 1)
    between = relay.new(await_port(server), scenario.shows, scenario.is_sealed)
    client = start(scenario.client, client_side, between.port, 2)
    local is_over = await_end(scenario, function()
        return client.is_done and (scenario.only == "client" or server.is_done)
    end)
    clock.stop()
    local traces = {
        client = trace_of(scenario, client, is_over), server = trace_of(scenario, server, is_over),
        ["client frames"] = frames_of(scenario, between.client.lines),
        ["server frames"] = frames_of(scenario, between.server.lines),
    }
    between:close()
    return traces
end

-- ------------------------------------------------------------------------------- comparing

-- Where in `lines` the run of lines `part` begins; behind the last where it is empty.
local function find(lines, part)
    if #part == 0 then
        return #lines + 1
    end
    for at = 1, #lines - #part + 1 do
        local count = 0
        while count < #part and lines[at + count] == part[count + 1] do
            count = count + 1
        end
        if count == #part then
            return at
        end
    end
    return nil
end

-- The lines of each object together, the objects in the order of their names.
local function sort_by_object(lines)
    local names, groups, sorted = {}, {}, {}
    for _, line in ipairs(lines) do
        local name = line:match("^stream %d+") or line:match("^%S+")
        if not groups[name] then
            names[#names + 1] = name
            groups[name] = {}
        end
        table.insert(groups[name], line)
    end
    table.sort(names)
    for _, name in ipairs(names) do
        table.move(groups[name], 1, #groups[name], #sorted + 1, sorted)
    end
    return sorted
end

-- "end" and "finish" of a stream that come in a row, in this order: its two sides end
-- independently, and which is told first varies from run to run.
local function sort_ends(lines)
    for index = 1, #lines - 1 do
        local label = lines[index]:match("^(.*) finish$")
        if label and lines[index + 1] == label .. " end" then
            lines[index], lines[index + 1] = lines[index + 1], lines[index]
        end
    end
    return lines
end

-- Events in an order that can be compared.
local function order(scenario, lines)
    return sort_ends(scenario.by_object and sort_by_object(lines) or lines)
end

-- Node's trace with the differences that are meant.
local function expected_of(lines, name, scenario)
    local result = {}
    for _, line in ipairs(lines) do
        result[#result + 1] = line ~= scenario.perhaps and line or nil
    end
    for _, difference in ipairs(scenario.differs or {}) do
        if (difference.trace or (scenario.peer and "events" or "client")) == name then
            local at = find(result, difference.node)
            if at == nil then
                error(("Node no longer differs in %q: %s is not in\n%s"):format(difference[1],
                    table.concat(difference.node, " / "), table.concat(lines, "\n")), 0)
            end
            local rest = table.move(result, at + #difference.node, #result, 1, {})
            table.move(difference.lua, 1, #difference.lua, at, result)
            table.move(rest, 1, #rest, at + #difference.lua, result)
            for index = at + #difference.lua + #rest, #lines + 100 do
                result[index] = nil
            end
        end
    end
    return result
end

-- Fails unless the library's trace is Node's with what is meant to differ. With HTTP2_TRACES in the
-- environment both are printed, for those who write scenarios.
local function compare(scenario, name, theirs, ours, opposite)
    if os.getenv("HTTP2_TRACES") then
        print(("== %s: %s%s\n%s\n-- ours\n%s"):format(scenario[1], name, opposite,
            table.concat(theirs, "\n"), table.concat(ours, "\n")))
    end
    if not name:find("frames") then
        theirs, ours = order(scenario, theirs), order(scenario, ours)
    end
    local expected = expected_of(theirs, name, scenario)
    if not name:find("frames") then
        expected = order(scenario, expected)
    end
    expected = table.concat(expected, "\n")
    local got = table.concat(ours, "\n")
    if expected ~= got then
        error(("the trace %q%s\n--- expected, as Node's\n%s\n--- ours\n%s"):format(name, opposite,
            expected, got), 0)
    end
end

-- Calls `check(theirs)` until it raises no more, with what Node does when it is asked again: in
-- places that varies with the machine's pace. What the library did stays what it was.
local function check_with_node(theirs, ask_again, check)
    for _ = 1, 2 do
        if pcall(check, theirs) then
            return
        end
        theirs = ask_again()
    end
    check(theirs)
end

local function compare_with_peer(scenario)
    local ours = run_with_peer(scenario, "lua")
    local function ask_node()
        return run_with_peer(scenario, "node")
    end
    check_with_node(ask_node(), ask_node, function(theirs)
        for _, name in ipairs{"events", "frames"} do
            compare(scenario, name, theirs[name], ours[name], "")
        end
    end)
end

-- Compares one side, "server" or "client", of Node's pair and of the library's, which had the same
-- opposite.
local function compare_side(scenario, side, opposite, theirs, ours, ask_again)
    check_with_node(theirs, ask_again, function(traces)
        for _, name in ipairs{side, side .. " frames"} do
            compare(scenario, name, traces[name], ours[name], " against " .. opposite)
        end
    end)
end

local function compare_pairs(scenario)
    local traces = {}
    for _, server_side in ipairs{"node", "lua"} do
        traces[server_side] = {}
        for _, client_side in ipairs{"node", "lua"} do
            traces[server_side][client_side] = run_pair(scenario, server_side, client_side)
        end
    end
    for _, opposite in ipairs{"node", "lua"} do
        if scenario.only ~= "client" then
            compare_side(scenario, "server", opposite, traces.node[opposite], traces.lua[opposite],
                function() return run_pair(scenario, "node", opposite) end)
        end
        compare_side(scenario, "client", opposite, traces[opposite].node, traces[opposite].lua,
            function() return run_pair(scenario, opposite, "node") end)
    end
end

-- ------------------------------------------------------------------------------- the tests

--- Defines the test of one scenario.
function differential.scenario(scenario)
    busted.it(scenario[1], function()
        if scenario.peer then
            compare_with_peer(scenario)
        else
            compare_pairs(scenario)
        end
    end)
end

--- Lets all go on for so many seconds; for scripts of peers.
function differential.pause(seconds)
    clock.wait(seconds * 1000)
end

--- A describe block of scenarios, which ends Node when they are over.
function differential.describe(title, define)
    busted.describe("#peers " .. title .. ", as in Node:", function()
        busted.after_each(loop.clean)
        busted.teardown(node.stop)
        define(differential.scenario)
    end)
end

return differential
