-- A client and a server whose handlers call whatever a session or a stream has, in any order.
local http2 = require("http2")
local player = require("spec.random.player")

local random, pick, chance = math.random, player.pick, player.chance
local attempt, later = player.attempt, player.later

local streams = {} -- some that live, for what takes two
local do_something

local function keep(stream)
    streams[#streams + 1] = stream
    if #streams > 50 then
        table.remove(streams, random(50))
    end
end

local function on_session(name, ...)
    local arguments = {...}
    return function(stream)
        if stream.session then
            attempt(stream.session, name, table.unpack(arguments))
        end
    end
end

local function call(name, ...)
    local arguments = {...}
    return function(stream)
        attempt(stream, name, table.unpack(arguments))
    end
end

local function again(stream)
    if chance(4) then
        do_something(stream)
    end
end

local deeds = {
    call("finish"), call("pause"), call("resume"), call("resume"), call("unpipe"), call("cork"),
    call("uncork"), call("respond"), call("sendTrailers", {x = "y"}),
    call("additionalHeaders", {[":status"] = 103, link = "x"}),
    call("respondWithFile", "/proc/self/status"), call("respondWithFile", "/nowhere"),
    call("respondWithFile", "README.md", {a = "b"}, {offset = 3, length = 5000}),
    function(stream) attempt(stream, "write", player.body()) end,
    function(stream) attempt(stream, "write", player.body(), function() again(stream) end) end,
    function(stream) attempt(stream, "finish", player.body()) end,
    function(stream) attempt(stream, "close", pick{0, 1, 2, 7, 8, 13}) end,
    function(stream) attempt(stream, "destroy", pick{false, "given up"}) end,
    function(stream) attempt(stream, "read", pick{false, 1, 100, 100000}) end,
    function(stream) attempt(stream, "setEncoding", pick{"utf8", "hex", "base64", "latin1"}) end,
    function(stream)
        attempt(stream, "respond", {[":status"] = pick{200, 404, 204, 304}, a = "b"},
            {endStream = chance(4), waitForTrailers = chance(4)})
    end,
    function(stream)
        stream:on("wantTrailers", function()
            if not chance(4) then
                attempt(stream, "sendTrailers", {x = "y"})
            end
        end)
    end,
    function(stream)
        attempt(stream, "pushStream", {[":path"] = "/pushed"}, function(_, pushed)
            if pushed then
                player.watch(pushed)
                do_something(pushed)
                attempt(pushed, "respond")
                attempt(pushed, "finish", player.body())
            end
        end)
    end,
    function(stream)
        attempt(stream, "priority", {urgency = random(0, 7), incremental = chance(2)})
    end,
    function(stream)
        local other = pick(streams)
        if other ~= stream then
            attempt(stream, "pipe", other)
        end
    end,
    function(stream)
        local function close()
            attempt(stream, "close")
        end
        attempt(stream, "setTimeout", random(0, 30), chance(2) and close or nil)
    end,
    function(stream)
        return stream.state, stream.sentHeaders, stream.rstCode, stream.bufferSize, stream.aborted
    end,
    function(stream)
        stream:on(pick{"drain", "end", "aborted", "close", "finish"}, function() again(stream) end)
    end,
    function(stream)
        stream:on("data", function()
            if chance(20) then
                do_something(stream)
            end
        end)
    end,
    function(stream) later(20, do_something, stream) end,
    function() collectgarbage() end,
    on_session("ping", function() end),
    on_session("setLocalWindowSize", 1000000),
    function(stream)
        on_session("settings", {initialWindowSize = pick{0, 1, 100, 65535, 1000000},
            maxFrameSize = pick{16384, 20000}, headerTableSize = pick{0, 100, 4096},
            enablePush = chance(2), maxConcurrentStreams = pick{0, 1, 5, 100}})(stream)
    end,
    function(stream)
        if chance(20) then
            pick{on_session("close"), on_session("goaway", pick{0, 1, 2}),
                on_session("destroy", pick{false, "given up"})}(stream)
        end
    end,
}

function do_something(stream)
    for _ = 1, random(3) do
        pick(deeds)(stream)
    end
end

local function begin(stream)
    player.watch(stream)
    keep(stream)
    if not chance(4) then
        stream:resume()
    end
    do_something(stream)
    do_something(stream)
end

local function serve()
    local server = player.watch(http2.createServer{
        settings = {initialWindowSize = pick{1, 100, 65535}}, paddingStrategy = random(0, 2)})
    server:on("sessionError", function() end)
    server:on("handlerError", function() end)
    server:on("session", player.watch)
    server:on("stream", function(stream)
        begin(stream)
        if chance(30) then
            error("a handler that fails")
        end
    end)
    return server
end

local function connect(port)
    local session = player.watch(http2.connect("http://127.0.0.1:" .. port, {
        settings = {initialWindowSize = pick{0, 1, 1000, 65535}}}))
    session:on("stream", begin)
    return session
end

local function request(session)
    local stream = session:request({[":method"] = pick{"GET", "POST", "HEAD"}},
        {endStream = chance(2), waitForTrailers = chance(5)})
    begin(stream)
end

local function play(server)
    local sessions = {}
    player.play(function()
        local index = random(4)
        local session = sessions[index]
        if not session or session.destroyed or session.closed then
            sessions[index] = connect(server:address().port)
        end
        request(sessions[index])
    end, function()
        for _, session in pairs(sessions) do
            session:destroy()
        end
        streams = {}
        server:close{grace = 200}
    end)
end

do
    local server = serve()
    server:listen(0, "127.0.0.1", function()
        play(server)
        server = nil
    end)
end
player.run()
