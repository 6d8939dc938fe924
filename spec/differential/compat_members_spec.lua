-- The members of the compatibility API, called by the same handlers in Node (compat_members.js) and
-- here (compat_members.lua): what they give and raise, in which order events come, what arrives.
local http2 = require("http2")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local process = require("spec.support.process")

local function text_of(headers)
    local lines = {}
    for name, value in pairs(headers or {}) do
        if type(name) == "string" and name ~= "date" then
            lines[#lines + 1] = name .. "="
                .. (type(value) == "table" and table.concat(value, "|") or tostring(value))
        end
    end
    table.sort(lines)
    return table.concat(lines, " ") .. (headers and headers.date and " and a date" or "")
end

-- What a client sees of one request, and then what the server noted of it.
local function ask(port, case)
    local lines = {}
    local session = loop.track(http2.connect("http://127.0.0.1:" .. port))
    local function see(label, stream)
        for _, name in ipairs{"headers", "response", "trailers"} do
            stream:on(name, function(fields)
                lines[#lines + 1] = label .. name .. " " .. text_of(fields)
            end)
        end
        pair.collect(stream, function(body)
            lines[#lines + 1] = ("%sbody of %d: %s"):format(label, #body, body:sub(1, 20))
        end)
        stream:on("error", function() end)
        stream:on("close", function()
            lines[#lines + 1] = label .. "close " .. stream.rstCode
        end)
        return stream
    end
    session:on("stream", function(pushed, headers)
        lines[#lines + 1] = "push " .. (text_of(headers):gsub(":%d+", ":PORT"))
        see("pushed ", pushed)
    end)
    local headers = {[":path"] = case[1], [":method"] = case.method, [":authority"] = "localhost"}
    if case.method == "CONNECT" then
        headers[":path"] = nil
    end
    for name, value in pairs(case.headers or {}) do
        headers[name] = value
    end
    local stream = see("", session:request(headers, {endStream = case.body == nil}))
    if case.body then
        stream:finish(case.body)
    end
    if case.aborts then
        stream:once("data", function()
            stream:close(http2.constants.NGHTTP2_CANCEL)
        end)
    end
    stream:on("close", function()
        pair.collect(session:request{[":path"] = "/log"}, function(notes)
            lines[#lines + 1] = "-- noted\n" .. notes
            session:close()
        end)
    end)
    loop.run(20)
    -- Which of two streams is told of first is up to the server.
    if case.sorted then
        table.sort(lines)
    end
    return table.concat(lines, "\n")
end

-- `differs` is {why, Node's words, ours}: where the library differs on purpose.
local function differ(text, difference)
    if not difference then
        return text
    end
    local first, last = text:find(difference.node, 1, true)
    assert(first, "Node no longer differs in " .. difference[1] .. ":\n" .. text)
    return text:sub(1, first - 1) .. difference.lua .. text:sub(last + 1)
end

local unchanged = "what was refused has changed nothing"

local cases = {
    {"/events"}, {"/events-of-a-body", method = "POST", body = "hello"},
    {"/aborted", aborts = true}, {"/statuses"}, {"/names"}, {"/values"}, {"/date"},
    {"/connection"}, {"/sent"}, {"/ended"},
    {"/late-write", differs = {"a response that is complete is not taken back",
        node = "close 2", lua = "body of 1: x\nclose 0"}},
    {"/no-chunk", differs = {unchanged, node = "TYPE\ntrue", lua = "TYPE\nfalse"}}, {"/closed"},
    {"/socket"}, {"/times"}, {"/late"}, {"/hints"}, {"/push", sorted = true}, {"/message"},
    {"/members"}, {"/corked"}, {"/drain"}, {"/destroyed"}, {"/head/flat"}, {"/head/pairs"},
    {"/head/message"}, {"/head/message-flat"}, {"/head/odd"},
    {"/head/zero", differs = {"the status that is sent", node = "true 0", lua = "true 200"}},
    {"/head/100", differs = {unchanged, node = "false 100", lua = "false 200"}},
    {"/head/99", differs = {unchanged, node = "false 99", lua = "false 200"}},
    {"/head/600", differs = {unchanged, node = "false 600", lua = "false 200"}},
    {"/head/override"}, {"/head/override-flat"},
    {"/head/wrong-name"}, {"/head/pseudo"}, {"/answered"},
    {"/checked", method = "POST", body = "x", headers = {expect = "100-continue"}},
    {"/expected", headers = {expect = "x"}}, {"/", method = "CONNECT", body = ""},
}

describe("#peers the members of the compatibility API are Node's:", function()
    local node, ours, node_port, our_port

    setup(function()
        node = process.start{"node", "--no-warnings", "spec/differential/compat_members.js"}
        node_port = tonumber(node:wait_for_output("listening on (%d+)\n"))
        ours, our_port = process.start_server("spec/differential/compat_members.lua")
    end)

    teardown(function()
        node:stop()
        ours:stop()
    end)

    after_each(loop.clean)

    for _, case in ipairs(cases) do
        it((case.method or "GET") .. " " .. case[1], function()
            assert.equal(differ(ask(node_port, case), case.differs), ask(our_port, case))
        end)
    end
end)
