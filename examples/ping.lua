-- How long a round trip takes, asked twice: with a callback, and in line.
local http2 = require("http2")

local server = http2.createServer()

server:on("session", function(session)
    session:on("ping", function(payload)
        print("pinged with " .. payload)
    end)
end)

server:listen(0, "127.0.0.1", function()
    local session = http2.connect("http://127.0.0.1:" .. server:address().port)
    session:on("connect", function()
        session:ping("abcdefgh", function(err, duration, payload)
            if err then
                error(err)
            end
            print(("acknowledged %s in %s"):format(payload, duration < 1000 and "time" or "vain"))
            http2.spawn(function()
                session:ping("in line.")
                print("acknowledged in line")
                session:close()
                server:close()
            end)
        end)
    end)
end)

http2.run()
