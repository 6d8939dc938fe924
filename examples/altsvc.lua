-- A server that says where else it can be reached (RFC 7838), for an origin and for a stream.
local http2 = require("http2")

local server = http2.createServer()

server:on("session", function(session)
    session:altsvc('h2=":8000"', "https://example.org:80")
end)

server:on("stream", function(stream)
    stream.session:altsvc('h2=":9000"; ma=3600', stream.id)
    stream:respond({[":status"] = 200}, {endStream = true})
end)

server:listen(0, "127.0.0.1", function()
    local session = http2.connect("http://127.0.0.1:" .. server:address().port)
    session:on("altsvc", function(alt, origin, stream_id)
        print(alt, origin, stream_id)
    end)
    local stream = session:request({[":path"] = "/"})
    stream:resume()
    stream:on("close", function()
        session:close()
        server:close()
    end)
end)

http2.run()
