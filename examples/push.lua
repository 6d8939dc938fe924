-- A server that sends a style sheet before it is asked for, and a client that takes it.
local http2 = require("http2")

local server = http2.createServer()

server:on("stream", function(stream)
    if stream.pushAllowed then
        stream:pushStream({[":path"] = "/style.css"}, function(err, pushed)
            if err then
                error(err)
            end
            pushed:respond({[":status"] = 200, ["content-type"] = "text/css"})
            pushed:finish("body { margin: 0 }")
        end)
    end
    stream:respond({[":status"] = 200, ["content-type"] = "text/html"})
    stream:finish("<h1>Hello</h1>")
end)

local function print_body(name, stream)
    stream:setEncoding("utf8")
    stream:on("data", function(chunk)
        print(name .. ": " .. chunk)
    end)
end

server:listen(0, "127.0.0.1", function()
    local session = http2.connect("http://127.0.0.1:" .. server:address().port)
    session:on("stream", function(pushed, headers)
        pushed:on("push", function(response)
            print("promised " .. headers[":path"] .. ", " .. response["content-type"])
        end)
        print_body("pushed", pushed)
    end)
    local stream = session:request({[":path"] = "/"})
    print_body("page", stream)
    stream:on("close", function()
        session:close() -- when the pushed stream is done too
        server:close()
    end)
    stream:finish()
end)

http2.run()
