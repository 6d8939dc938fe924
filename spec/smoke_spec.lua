-- A server and a client in one process, under every Lua the module is built for: no syntax and no
-- library function here that only one of them has.
local http2 = require("http2")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local payload = require("spec.support.payload")

local function greet(stream, headers)
    stream:respond({[":status"] = 200, ["content-type"] = "text/plain"})
    stream:finish("you asked for " .. headers[":path"])
end

local function scenes(tls)
    after_each(loop.clean)

    it("answers a request", function()
        local status, body, code
        pair.play{
            tls = tls,
            server = function(server)
                server:on("stream", greet)
            end,
            client = function(session)
                local stream = session:request({[":path"] = "/greeting"})
                stream:on("response", function(headers)
                    status = headers[":status"]
                end)
                pair.collect(stream, function(all)
                    body = all
                end)
                stream:on("close", function()
                    code = stream.rstCode
                    session:close()
                end)
            end,
        }
        assert.equal(200, status)
        assert.equal("you asked for /greeting", body)
        assert.equal(http2.constants.NGHTTP2_NO_ERROR, code)
    end)

    it("echoes a body of a megabyte", function()
        local sent = payload.make(1000000)
        local got
        pair.play{
            tls = tls,
            server = function(server)
                server:on("stream", function(stream)
                    stream:respond({[":status"] = 200})
                    stream:pipe(stream)
                end)
            end,
            client = function(session)
                local stream = session:request({[":method"] = "POST", [":path"] = "/"})
                pair.collect(stream, function(all)
                    got = all
                    session:close()
                end)
                stream:finish(sent)
            end,
        }
        assert.is_nil(payload.difference(got, sent))
    end)

    it("answers fifty requests at once", function()
        local answers = {}
        pair.play{
            tls = tls,
            server = function(server)
                server:on("stream", greet)
            end,
            client = function(session)
                local open = 50
                for number = 1, open do
                    local stream = session:request({[":path"] = "/" .. number})
                    pair.collect(stream, function(body)
                        answers[number] = body
                        open = open - 1
                        if open == 0 then
                            session:close()
                        end
                    end)
                end
            end,
        }
        for number = 1, 50 do
            assert.equal("you asked for /" .. number, answers[number])
        end
    end)

    it("raises at once what is wrong with a call", function()
        local ok, err
        pair.play{
            tls = tls,
            server = function() end,
            client = function(session)
                ok, err = pcall(session.request, session, {["bad name"] = "x"})
                session:close()
            end,
        }
        assert.is_false(ok)
        assert.is_true(http2.isError(err))
        assert.equal("ERR_INVALID_HTTP_TOKEN", err.code)
    end)
end

describe("in clear text", function()
    scenes(false)
end)

describe("over TLS", function()
    scenes(true)
end)

describe("a loop without work", function()
    it("returns at once", function()
        assert.is_falsy(http2.run())
    end)
end)
