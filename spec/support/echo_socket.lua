--- Sockets to a server that echoes, and notes of what comes of them.
local http2 = require("http2")
local loop = require("spec.support.loop")
local net = require("http2.net")

local sockets = {}

--- Connects to an echo server, calls `fn(socket, note)`, runs until all is over, gives the notes.
function sockets.echo(fn, options)
    local log = {}
    local function note(...)
        local words = {...}
        for i = 1, select("#", ...) do
            words[i] = http2.isError(words[i]) and (words[i].code or words[i].message)
                or tostring(words[i])
        end
        log[#log + 1] = table.concat(words, " ")
    end
    local server = loop.track(net.createServer(function(socket)
        socket:on("error", function() end)
        socket:pipe(socket)
    end))
    server:listen(0, "127.0.0.1", function()
        options = options or {}
        options.port, options.host = server:address().port, "127.0.0.1"
        local socket = net.connect(options)
        server:unref()
        fn(socket, note)
    end)
    loop.run()
    server:close()
    return log
end

--- Notes the events named, in the order they come.
function sockets.watch(note, stream, ...)
    for _, event in ipairs{...} do
        stream:on(event, function(arg)
            if event == "error" then
                note(event, arg)
            else
                note(event)
            end
        end)
    end
end

--- A callback that notes its name and its error.
function sockets.named(note, name)
    return function(err)
        note(name, err)
    end
end

return sockets
