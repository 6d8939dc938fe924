-- Settings: said when connecting, changed later, packed as RFC 7540 has them in HTTP2-Settings.
local http2 = require("http2")

local server = http2.createServer({settings = {maxConcurrentStreams = 7}})

server:on("session", function(session)
    session:on("remoteSettings", function(settings)
        print("the client takes frames of " .. settings.maxFrameSize)
    end)
end)

server:listen(0, "127.0.0.1", function()
    local session = http2.connect("http://127.0.0.1:" .. server:address().port, {
        settings = {enablePush = false},
    })
    session:once("remoteSettings", function(settings)
        print("the server takes " .. settings.maxConcurrentStreams .. " streams")
        session:settings({maxFrameSize = 32768}, function(err, mine)
            if err then
                error(err)
            end
            print("acknowledged " .. mine.maxFrameSize)
            session:close()
            server:close()
        end)
    end)
end)

local packed = http2.getPackedSettings({enablePush = false})
print("packed " .. packed:gsub(".", function(octet)
    return ("%02x"):format(octet:byte())
end))
print("unpacked " .. tostring(http2.getUnpackedSettings(packed).enablePush))

http2.run()
