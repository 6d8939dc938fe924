-- How a server's sessions end, and what is left then.
local http2 = require("http2")
local leaks = require("spec.support.leaks")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")

-- behaviour.md 5.
describe("ending a server's session", function()
    after_each(loop.clean)

    -- The client's request is open when `ending(session)` is called on the server's session.
    local function both_sides(ending, client_options)
        local view = {log = {}, goaways = {}}
        pair.play{
            client_options = client_options,
            server = function(server)
                server:on("stream", function(stream)
                    stream:on("error", function() end)
                    stream:respond()
                    stream:write("part")
                    ending(stream.session, stream)
                end)
                server:on("session", function(session)
                    pair.log(view.log, "own ", session, {"error", "close"})
                end)
                server:on("sessionError", function(err)
                    view.own_err = err
                end)
            end,
            client = function(session)
                pair.log(view.log, "peer ", session, {"error", "close"})
                session:on("error", function(err)
                    view.err = err
                end)
                session:on("goaway", function(code)
                    view.goaways[#view.goaways + 1] = code
                end)
                local stream = session:request()
                stream:on("error", function(err)
                    view.stream_err = err
                end)
                pair.collect(stream, function(body)
                    view.body = body
                end)
                stream:on("close", function()
                    view.stream_code = stream.rstCode
                end)
            end,
        }
        return view
    end

    it("by close() lets the open streams finish", function()
        local view = both_sides(function(session, stream)
            session:close()
            stream:finish(" and the rest")
        end)
        assert.equal("part and the rest", view.body)
        assert.equal(0, view.stream_code)
        assert.equal(0, view.goaways[1])
        assert.is_nil(view.err)
    end)

    it("by destroy() closes the client's streams with CANCEL and without error", function()
        local view = both_sides(function(session)
            session:destroy()
        end)
        assert.equal(8, view.stream_code)
        assert.equal(0, view.goaways[1])
        assert.is_nil(view.err)
        assert.is_nil(view.stream_err)
    end)

    it("by destroy(code) is a session error of that code on both sides", function()
        local view = both_sides(function(session)
            session:destroy(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
        end)
        assert.equal(11, view.stream_code)
        assert.equal(11, view.goaways[1])
        assert.equal("ERR_HTTP2_SESSION_ERROR", view.err.code)
        assert.equal("ERR_HTTP2_SESSION_ERROR", view.stream_err.code)
        assert.equal("ERR_HTTP2_SESSION_ERROR", view.own_err.code)
    end)

    it("by goaway(code) tells the client, who ends the session", function()
        local view = both_sides(function(session)
            session:goaway(2, 0x7fffffff, "why not")
        end)
        assert.equal(2, view.goaways[1])
        assert.equal("ERR_HTTP2_SESSION_ERROR", view.err.code)
        assert.equal(2, view.stream_code)
    end)
end)

describe("a server and a client that are done", function()
    after_each(loop.clean)

    -- Plays a few requests; notes every object in `watch`.
    local function play(watch, tls)
        pair.play{
            tls = tls,
            server = function(server)
                watch(server)
                server:on("session", function(session)
                    watch(session)
                end)
                server:on("stream", function(stream)
                    watch(stream)
                    stream:respond()
                    -- Its listener mentions the stream itself: no reason to live for ever.
                    stream:on("close", function()
                        return stream.id
                    end)
                    stream:finish("x")
                end)
            end,
            client = function(session)
                watch(session)
                for index = 1, 10 do
                    local stream = watch(session:request())
                    stream:resume()
                    stream:on("close", function()
                        if index == 10 then
                            session:close()
                        end
                    end)
                end
            end,
        }
    end

    for name, tls in pairs{["in clear text"] = false, ["over TLS"] = true} do
        it("leave no object and no descriptor " .. name, function()
            local watch = leaks.watch()
            play(watch, tls)
            loop.clean()
            assert.equal(0, watch.alive())
            local before = leaks.descriptors()
            play(watch, tls)
            assert.equal(before, leaks.descriptors())
        end)

        it("leave no memory " .. name, function()
            local watch = leaks.watch()
            local growth = leaks.growth(function()
                play(watch, tls)
                loop.clean()
            end, 10)
            assert.is_true(growth < 0.5, growth .. " KiB for each scene")
        end)
    end
end)
