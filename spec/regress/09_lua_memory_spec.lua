-- Every allocation of Lua's fails once, with the next and with many after it, while a client and a
-- server talk to each other: nothing may crash or go round for ever, sessions end once, and the
-- server serves on.
local process = require("spec.support.process")
local starving = require("spec.support.starving")

local program = [[
local http2 = require("http2")
local function nothing() end

-- How many objects the library keeps alive, and of what class.
local function anchors()
    local count, names = 0, {}
    for _, value in pairs(debug.getregistry()) do
        if type(value) == "userdata" and debug.getmetatable(value) then
            count = count + 1
            names[count] = tostring(debug.getmetatable(value).__name)
        end
    end
    return count, table.concat(names, " ")
end
local first = anchors()

local server = http2.createServer()
server:on("sessionError", nothing)
server:on("handlerError", nothing)
server:on("stream", function(stream, headers)
    stream:on("error", nothing)
    if headers[":path"] == "/push" then
        stream:pushStream({[":path"] = "/pushed"}, function(_, pushed)
            pushed:on("error", nothing)
            pushed:respond()
            pushed:finish("pushed")
        end)
    end
    stream:on("data", nothing)
    stream:on("end", function()
        stream:respond({[":status"] = 200, ["x-field"] = "value"}, {waitForTrailers = true})
        stream:on("wantTrailers", function()
            stream:sendTrailers({["x-trailer"] = "value"})
        end)
        stream:write(("x"):rep(3000), nothing)
        stream:finish("end", nothing)
    end)
end)
http2.onUncaught(nothing)
server:listen(0, "127.0.0.1")
local address
repeat
    http2.run("once")
    address = server:address()
until address
local url = "http://127.0.0.1:" .. address.port

local session
local closes = 0

local function talk()
    session = http2.connect(url)
    session:on("error", nothing)
    session:on("close", function()
        closes = closes + 1
    end)
    session:on("stream", function(pushed)
        pushed:on("error", nothing)
        pushed:resume()
    end)
    session:on("connect", function()
        session:ping(nothing)
    end)
    session:settings({initialWindowSize = 70000}, nothing)
    for _, path in ipairs{"/", "/push"} do
        local stream = session:request({[":method"] = "POST", [":path"] = path, ["x-field"] = "v"})
        stream:on("error", nothing)
        stream:on("response", nothing)
        stream:on("data", nothing)
        stream:on("trailers", nothing)
        stream:pause()
        stream:read()
        stream:resume()
        stream:cork()
        stream:write(("y"):rep(2000))
        stream:uncork()
        stream:finish("z", nothing)
    end
    local given_up = session:request({[":method"] = "POST"})
    given_up:on("error", nothing)
    given_up:write("y", nothing)
    given_up:destroy("given up")
    given_up:finish(nothing)
    server:getConnections(nothing)
end

arm(true)
pcall(talk)
for _ = 1, 200 do
    pcall(http2.run, "nowait")
end
arm(false)

-- All is in order again, and what is left over can be ended.
local probe, status = http2.connect(url), nil
probe:on("error", nothing)
local stream = probe:request()
stream:on("error", nothing)
stream:on("response", function(headers)
    status = headers[":status"]
end)
stream:on("close", function()
    probe:destroy()
end)
stream:resume()
local deadline = os.time() + 60
repeat
    http2.run("nowait")
    assert(os.time() < deadline, "the server does not answer")
until stream.destroyed
assert(status == 200, status)
if session then
    session:destroy()
end
server:close()
repeat
    assert(os.time() < deadline, "it does not end")
until not http2.run("nowait")
local last, names = anchors()
assert(last <= first, ("anchors are left: %s"):format(names))
assert(closes <= 1) -- 0 where there was no memory for the call
assert(not session or session.destroyed)
]]

describe("A program that runs out of memory", function()
    if _VERSION == "Lua 5.1" then
        return -- LuaJIT allocates for itself
    end

    local folder

    setup(function()
        folder = starving.build()
    end)

    teardown(function()
        process.remove(folder)
    end)

    for _, more in ipairs{1, 40} do
        it(("goes on, whichever allocation and %d more fail"):format(more), function()
            starving.run(folder, program, more)
        end)
    end
end)
