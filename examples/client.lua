-- Fetches one page and prints it. Usage: client.lua URL [CA-FILE]
local http2 = require("http2")

local origin, path = arg[1]:match("^(%a+://[^/]+)(.*)$")
local options = {}
if arg[2] then
    local file <close> = assert(io.open(arg[2], "rb"))
    options.ca = file:read("a")
end

local session = http2.connect(origin, options)
session:on("error", function(err)
    io.stderr:write(tostring(err), "\n")
    os.exit(1, true)
end)

local stream = session:request{[":path"] = path ~= "" and path or "/"}
stream:on("response", function(headers)
    io.stderr:write("status ", headers[":status"], "\n")
end)
stream:on("data", function(chunk)
    io.write(chunk)
end)
stream:on("error", function(err)
    io.stderr:write(tostring(err), "\n")
end)
stream:on("close", function()
    session:close()
end)
stream:finish()

http2.run()
