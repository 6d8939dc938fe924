local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")

local function websocket(method, more)
    local fields = {
        ":method", method, ":protocol", "websocket", ":scheme", "http", ":path", "/chat",
        ":authority", "localhost",
    }
    return frames.headers(1, table.move(more or {}, 1, #(more or {}), #fields + 1, fields))
end

describe("RFC 8441, extended CONNECT: a server that does not offer it", function()
    local world = conformance.server()

    world.resets_stream(":protocol", "PROTOCOL_ERROR", websocket("CONNECT"))
end)

describe("RFC 8441, extended CONNECT: a server that offers it", function()
    local world = conformance.server({settings = {enableConnectProtocol = true}})

    world.resets_stream(":protocol in a GET", "PROTOCOL_ERROR", websocket("GET"))
    world.resets_stream("no :path", "PROTOCOL_ERROR", frames.headers(1, {
        ":method", "CONNECT", ":protocol", "websocket", ":scheme", "http",
        ":authority", "localhost",
    }))

    it("hands it to the program, and carries octets both ways", function()
        local got
        world.handler = function(stream, headers)
            got = headers
            stream:respond({[":status"] = 200})
            stream:pipe(stream)
        end
        local peer = world.connect()
        peer:send(websocket("CONNECT"))
        assert.equal("200", peer:await_frame(frames.HEADERS, 1).fields[":status"])
        assert.equal("websocket", got[":protocol"])
        assert.equal("/chat", got[":path"])
        peer:send(frames.data(1, "\129\5hello"))
        assert.equal("\129\5hello", peer:await_frame(frames.DATA, 1).payload)
    end)

    it("still takes an ordinary CONNECT", function()
        local peer = world.connect()
        peer:send(frames.headers(1, {":method", "CONNECT", ":authority", "localhost:80"}, 5))
        assert.equal(200, peer:await_answer(1).status)
    end)
end)

describe("RFC 8441, extended CONNECT: a client", function()
    local world = conformance.client()

    it("asks for a protocol where the server offers it", function()
        local peer = world.connect({{frames.ENABLE_CONNECT_PROTOCOL, 1}})
        peer:await_settings_ack()
        world.session:request({
            [":method"] = "CONNECT", [":protocol"] = "websocket", [":path"] = "/chat",
        })
        local fields = peer:await_frame(frames.HEADERS, 3).fields
        assert.equal("CONNECT", fields[":method"])
        assert.equal("websocket", fields[":protocol"])
        assert.equal("/chat", fields[":path"])
        assert.equal("http", fields[":scheme"])
    end)
end)
