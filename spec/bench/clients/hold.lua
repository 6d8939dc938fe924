-- Opens connections and holds them: hold.lua origin=URL connections=N [streams=N]. The streams ask
-- for 1 MiB with a window of 0, so that none of them ends. Prints "holding" when all is answered; a
-- connection that ends is an error.
local http2 = require("http2")

local options = {streams = "0"}
for _, argument in ipairs(arg) do
    local name, value = argument:match("^(%w+)=(.*)$")
    options[name] = value
end

local connections, streams = tonumber(options.connections), tonumber(options.streams)
local at_once = 100
local begun, ready = 0, 0
local open

local function on_ready()
    ready = ready + 1
    if begun < connections then
        open()
    elseif ready == connections then
        print("holding")
        io.stdout:flush()
    end
end

local function ask(session)
    local answered = 0
    for _ = 1, streams do
        session:request{[":path"] = "/1048576"}:on("response", function()
            answered = answered + 1
            if answered == streams then
                on_ready()
            end
        end)
    end
end

function open()
    begun = begun + 1
    local session = http2.connect(options.origin, {
        rejectUnauthorized = false, settings = {initialWindowSize = streams > 0 and 0 or 65535},
    })
    session:once("close", function()
        error(("a connection was closed, of %d"):format(begun))
    end)
    session:once("remoteSettings", function()
        if streams > 0 then
            ask(session)
        else
            on_ready()
        end
    end)
end

for _ = 1, math.min(at_once, connections) do
    open()
end
http2.run()
