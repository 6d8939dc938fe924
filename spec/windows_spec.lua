-- Receive windows that grow while a body comes: what the program sees of it, and what it does not.
-- That they grow, and how far, the unit tests show with a clock of their own.
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")

local size = 4000000

-- A server sends `size` octets, as often as the client asks; `ask(session, on_end)` asks.
local function play(connected)
    local function ask(session, on_end)
        local octets = 0
        local stream = session:request{[":path"] = "/"}
        stream:on("data", function(chunk) octets = octets + #chunk end)
        stream:on("end", function()
            assert.equal(size, octets)
            on_end()
        end)
    end
    pair.play{
        seconds = 60,
        server_options = {maxOutstandingPings = 2},
        client_options = {maxOutstandingPings = 2},
        server = function(server)
            server:on("stream", function(stream)
                stream:respond{[":status"] = 200}
                stream:finish(("x"):rep(size))
            end)
        end,
        client = function(session)
            session:on("connect", function() connected(session, ask) end)
        end,
    }
end

describe("receive windows", function()
    after_each(loop.clean)

    it("never grow beyond their limit", function()
        play(function(session, ask)
            assert.equal(65535, session.state.effectiveLocalWindowSize)
            ask(session, function()
                local octets = session.state.effectiveLocalWindowSize
                assert.is_true(octets >= 65535 and octets <= 24 * 1024 * 1024, octets)
                session:close()
            end)
        end)
    end)

    it("of a session stay as the program has set them", function()
        play(function(session, ask)
            session:setLocalWindowSize(100000)
            ask(session, function()
                assert.equal(100000, session.state.effectiveLocalWindowSize)
                session:close()
            end)
        end)
    end)

    it("leave the program's own pings alone", function()
        play(function(session, ask)
            local answers, is_over = 0, false
            local function ping()
                local payload = ("%08d"):format(answers)
                assert.is_true(session:ping(payload, function(err, _, answer)
                    if is_over then
                        return
                    end
                    assert.is_nil(err)
                    assert.equal(payload, answer)
                    answers = answers + 1
                    ping()
                end))
            end
            local function download()
                ask(session, function()
                    if answers < 3 then
                        return download()
                    end
                    is_over = true
                    session:close()
                end)
            end
            ping()
            download()
        end)
    end)
end)
