-- A server that says what other origins it serves (RFC 8336).
-- Usage: origin.lua KEY-FILE CERTIFICATE-FILE CA-FILE
local http2 = require("http2")

local function read(name)
    local file <close> = assert(io.open(name, "rb"))
    return file:read("a")
end

local server = http2.createSecureServer{
    key = read(arg[1]), cert = read(arg[2]), origins = {"https://example.com"},
}

server:on("session", function(session)
    session:origin("https://example.org", "https://example.net/path")
end)

server:listen(0, function()
    local session = http2.connect("https://localhost:" .. server:address().port, {
        ca = read(arg[3]),
    })
    local told = 0
    session:on("origin", function(origins)
        for _, origin in ipairs(origins) do
            print(origin)
        end
        told = told + #origins
        if told == 3 then
            print(#session.originSet .. " origins by one session")
            session:close()
            server:close()
        end
    end)
end)

http2.run()
